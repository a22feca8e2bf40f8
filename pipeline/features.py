"""Frozen features: what the pretrained layers make of each image, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.engine_settings import WITHOUT_CACHE, FrozenSettings
from pipeline.evaluate import label_indices
from pipeline.frozen_pass import run_frozen
from pipeline.network import forward_on, split_features
from pipeline.recipes import Recipe
from pipeline.records import Note, SnapshotImage
from pipeline.stretches import keep_only
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData


@dataclass(frozen=True)
class Features:
    """The backbone's output for those images of one split that could be read."""

    images: tuple[SnapshotImage, ...]
    labels: Array  # int64 (N,)
    pooled: Array  # float32 (N, F)
    boundary: Array  # float32 (N, C, H, W): what enters the last stage; (0,) where it is not trained


@dataclass(frozen=True)
class RunFeatures:
    """The features of both splits, computed in one pass."""

    train: Features
    test: Features
    notes: tuple[Note, ...]


def compute_features(
    network: Any,
    tail_start: int,
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
    settings: FrozenSettings = WITHOUT_CACHE,
) -> RunFeatures:
    """Run the frozen layers once over the training and the test images.

    The activations at the boundary are kept in memory only if the last stage is to be trained:
    37 KiB an image for efficientnet_lite0, beside 5 KiB for the pooled features.

    With `test_time_flip` each row is the mean over the image and its mirror image. Logits are linear in the
    pooled features, so whatever a head says of such rows is the mean of its logits over both.

    Raises:
        TrainingDiverged: a feature is not finite, so the weights are damaged.
        Interrupted: from `around.check_stop`.
    """
    keep_boundary = recipe.last_stage_epochs > 0
    _, last_stage = split_features(network, tail_start)
    images = (*data.train, *data.test)
    block = frozen_block(network, tail_start, recipe)
    rows = run_frozen(
        block, images, data.reader, recipe.images_at_once, around, settings,
        test_time_flip=recipe.test_time_flip,
    )  # fmt: skip

    def part(begin: int, end: int) -> Features:
        found = rows.found[begin:end]
        chosen = tuple(image for image, is_found in zip(images[begin:end], found, strict=True) if is_found)
        values = keep_only(rows.values[begin:end], np.flatnonzero(found))
        pooled = _in_batches(last_stage, values, recipe.images_at_once, around) if keep_boundary else values
        boundary = values if keep_boundary else np.empty(0, np.float32)
        return Features(chosen, label_indices(chosen, data.classes), pooled, boundary)

    split = len(data.train)
    return RunFeatures(part(0, split), part(split, len(images)), rows.notes)


def frozen_block(network: Any, tail_start: int, recipe: Recipe) -> Any:
    """Return the layers that stay frozen: all features, or those before the last stage if that is trained."""
    return split_features(network, tail_start)[0] if recipe.last_stage_epochs > 0 else network.features


def _in_batches(block: Any, inputs: Array, batch_size: int, around: Surroundings) -> Array:
    """Run a block over rows held in memory; what it would make of none is (0, 0)."""
    if not len(inputs):
        return np.empty((0, 0), np.float32)
    contexts = around.sharing.contexts
    size = batch_size * len(contexts)
    forward = forward_on(block, contexts)
    return np.concatenate([forward(part) for part in np.split(inputs, range(size, len(inputs), size))])


def held_out_part(images: Sequence[SnapshotImage], share: float) -> Array:
    """Choose the training images that are held out for decisions, bool (N,).

    Of each class the given share, by the second half of the content hash: independent of the order, of the
    seed and of the draw that makes the test split, which uses the first half. At least one of each class
    is held out and at least one is not, so a class needs two.
    """
    held_out = np.zeros(len(images), dtype=bool)
    for label in {image.label for image in images}:
        members = [i for i, image in enumerate(images) if image.label == label]
        members.sort(key=lambda i: images[i].sha256[32:])
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held_out[members[:count]] = True
    return held_out
