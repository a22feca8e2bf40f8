"""What the tests of training share: drawn images as a run sees them, and a small network."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.backbones import Backbone, backbone_named
from pipeline.layout import find_layout
from pipeline.network import scratch_network
from pipeline.reader import ImageReader
from pipeline.recipes import Recipe, recipe_named
from pipeline.records import EpochMetrics, Evaluation
from pipeline.runtime import mx
from pipeline.snapshot import take_snapshot
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData
from tests.pipeline.folders import files_of

AROUND = Surroundings(mx.cpu(), 0, lambda: None)


def small_backbone() -> Backbone:
    """Return the smallest network of the zoo, for small images so that tests are quick."""
    backbone = backbone_named("mobilenet0.25")
    return replace(backbone, preprocessing=replace(backbone.preprocessing, size=64, short_side=72))


def data_of(folder: Path, backbone: Backbone) -> TrainingData:
    """Return the images of a folder with train/ and test/."""
    snapshot = take_snapshot(find_layout(folder), files_of(folder))
    reader = ImageReader(folder, backbone.preprocessing)
    return TrainingData(reader, snapshot.part("train"), snapshot.part("test"), snapshot.classes)


def small_network(seed: int = 0) -> Any:
    """Return a small network of two classes, all from Xavier."""
    return scratch_network(small_backbone(), 2, mx.cpu(), seed)


def lively_network(backbone: Backbone | None = None, classes: int = 2) -> Any:
    """Return a network of random weights that tells images apart: its logits on noise go up to 3.

    Without training, values vanish on their way through weights from Xavier, and two networks that say 0 of
    everything agree.
    """
    backbone = backbone or small_backbone()
    network = scratch_network(backbone, classes, mx.cpu(), 0)
    network.features.initialize(mx.init.Xavier("gaussian", factor_type="in", magnitude=2), force_reinit=True)
    size = backbone.preprocessing.size
    largest = network(mx.nd.random.normal(shape=(2, 3, size, size))).abs().max()
    network.output.weight.set_data(network.output.weight.data() * 3 / largest)
    return network


def classic(**changes: Any) -> Recipe:
    """Return the recipe `classic` with changes."""
    return replace(recipe_named("classic"), **changes)


def metrics(events: Sequence[Any]) -> Array:
    """Return losses and accuracies of epochs and evaluation, as a table."""
    return np.array([
        (e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy)
        if isinstance(e, EpochMetrics) else (e.log_loss, e.accuracy, 0, 0)
        for e in events if isinstance(e, EpochMetrics | Evaluation)
    ])  # fmt: skip
