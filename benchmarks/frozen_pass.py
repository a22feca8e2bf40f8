"""The frozen pass over real photos: both engines in turn with decoding, and the rows from the cache."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.photos import training_data
from pipeline.arrays import Array
from pipeline.backbones import backbone_named
from pipeline.decode import normalise
from pipeline.engine_settings import FrozenSettings
from pipeline.errors import WeightsError
from pipeline.evaluate import Forward
from pipeline.frozen_pass import run_frozen
from pipeline.network import forward_of, pretrained_network, scratch_network
from pipeline.onnx_export import export_onnx
from pipeline.onnx_runtime import open_model
from pipeline.pretrained.weights import find_weights
from pipeline.runtime import mx
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData

BACKBONES = ("efficientnet_lite0", "resnet18_v2", "mobilenetv2_1.0")
BATCH = 32


def main(photos: Path, images: int = 256, rounds: int = 3) -> None:
    """Print a row for each backbone; the engines take turns, and the median of the rounds counts."""
    print(f"{images} photos, batches of {BATCH}; images/s, reading and decoding included.\n")
    print("| backbone | seconds of export | MXNet | ONNX Runtime | cache | difference / largest value |")
    print("|---|---|---|---|---|---|")
    for name in BACKBONES:
        data = training_data(photos, images, name)
        features = network_of(name).features
        size = backbone_named(name).preprocessing.size
        model, seconds = timed(partial(export_onnx, features, size))
        mxnet, onnxruntime = forward_of(features, mx.cpu()), open_model(model)
        turns = [[speed(mxnet, data), speed(onnxruntime, data)] for _ in range(rounds)]
        slow, fast = np.median(turns, axis=0)
        print(
            f"| {name} | {seconds:.1f} | {slow:.0f} | {fast:.0f} | {cached_speed(features, data):,.0f} "
            f"| {difference(mxnet, onnxruntime, data):.1e} |"
        )


def network_of(name: str) -> Any:
    """Return the pretrained network, or with random weights where there are none on this machine."""
    backbone = backbone_named(name)
    try:
        weights = find_weights(backbone, Path("weights"), download=False)
    except WeightsError:
        return scratch_network(backbone, 2, mx.cpu(), 0)
    return pretrained_network(backbone, 2, weights, mx.cpu(), 0)


def speed(forward: Forward, data: TrainingData) -> float:
    """Return the images a second of a pass over the training images."""
    return len(data.train) / timed(lambda: outputs(forward, data))[1]


def cached_speed(features: Any, data: TrainingData) -> float:
    """Return the images a second of a pass whose rows are all in the cache."""
    around = Surroundings(mx.cpu(), 0, lambda: None)
    with tempfile.TemporaryDirectory() as cache:
        settings = FrozenSettings("onnxruntime", Path(cache), 10**9)
        passes = [
            timed(lambda: run_frozen(features, data.train, data.reader, BATCH, around, settings))[1]
            for _ in range(2)
        ]
    return len(data.train) / passes[1]


def difference(mxnet: Forward, onnxruntime: Forward, data: TrainingData) -> float:
    """Return the largest difference of both, as a share of the largest value."""
    expected = outputs(mxnet, data)
    return float(np.abs(outputs(onnxruntime, data) - expected).max() / np.abs(expected).max())


def outputs(forward: Forward, data: TrainingData) -> Array:
    """Run the training images through `forward`."""
    batches = data.reader.batches(data.train, BATCH)
    return np.concatenate([forward(normalise(b.pixels, data.reader.preprocessing)) for b in batches])


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns, and its seconds."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started
