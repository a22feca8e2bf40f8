"""What training in bfloat16 gains on a processor that has it, and what it does to the result.

Each measurement of the speed has a process of its own. Images per second of processor time, with one thread,
hold beside other programs too. The weights of resnet18_v2 may not be at hand: so the results are those of
that network from Xavier on drawn pictures, and of EfficientNet-Lite0, slow as it is in bfloat16, on photos.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.photos import training_data
from pipeline.backbones import backbone_named
from pipeline.drawings import draw_demo_images
from pipeline.network import pretrained_network, scratch_network
from pipeline.precision import BFLOAT16_FLAGS, Precision
from pipeline.pretrained.weights import find_weights
from pipeline.processors import processor_flags, usable_processors
from pipeline.reader import ImageReader
from pipeline.recipes import Recipe, baseline_of, recipe_named
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.surroundings import Surroundings
from pipeline.train import fit_all_layers
from pipeline.training_data import TrainingData

REPOSITORY = Path(__file__).resolve().parent.parent
WAYS = {
    "resnet18_v2": ("float32", "bfloat16"),
    "mobilenet1.0": ("float32", "bfloat16"),
    "efficientnet_lite0": ("float32", "bfloat16", "bfloat16, clip in float32"),
}
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True)
class Measured:
    """What one process found out."""

    speed: float  # images per second
    of_processor: float  # images per second of processor time
    peak_gb: float


def main(photos: Path, rounds: int = 3) -> None:
    """Print the speed and the peak memory of each way, and the metrics of whole trainings."""
    if not processor_flags() & BFLOAT16_FLAGS:
        print("This processor does not compute in bfloat16: not measured.")
        return
    print_speeds(rounds)
    print("\n| training | seed | precision | train loss | test log loss | test accuracy |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as drawings:
        draw_demo_images(Path(drawings) / "images", train_per_class=200, test_per_class=100, seed=0)
        for name, training in TRAININGS.items():
            for seed in (0, 1):
                for precision in PRECISIONS:
                    last = training(photos, Path(drawings) / "images", precision, seed)[-1]
                    print(
                        f"| {name} | {seed} | {precision} | {last.train_loss:.3f} | {last.test_loss:.3f} "
                        f"| {last.test_accuracy:.3f} |"
                    )


def print_speeds(rounds: int) -> None:
    """Print a row for each way to train a backbone."""
    print(f"Updates of all layers on batches of 32, no reading; medians of {rounds} processes, in turn; by")
    print("processor time: one update in one process with one thread.\n")
    print(
        "| backbone | precision | images/s | ratio | images per processor-second | ratio | peak memory, GB |"
    )
    print("|---|---|---|---|---|---|---|")
    for backbone, ways in WAYS.items():
        alone = [measured(backbone, way, threads=1) for way in ways]
        results = [[measured(backbone, way, usable_processors()) for way in ways] for _ in range(rounds)]
        for index, way in enumerate(ways):
            speed = median(one[index].speed for one in results)
            ratio = median(one[index].speed / one[0].speed for one in results)
            peak = max(one[index].peak_gb for one in results)
            own = alone[index].of_processor
            of_processor = f"{own:.1f} | {own / alone[0].of_processor:.2f}"
            print(f"| {backbone} | {way} | {speed:.1f} | {ratio:.2f} | {of_processor} | {peak:.2f} |")


def measured(backbone: str, way: str, threads: int) -> Measured:
    """Measure one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.precision_step", backbone, way],
        cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return Measured(**json.loads(done.stdout))


def fine_tuned(photos: Path, _drawings: Path, precision: Precision, seed: int) -> list[EpochMetrics]:
    """Fine-tune EfficientNet-Lite0 on photos for an epoch, as `classic` does."""
    backbone = backbone_named("efficientnet_lite0")
    weights = find_weights(backbone, Path("nowhere"), download=False)
    recipe = replace(recipe_named("classic"), epochs=1, precision=precision)
    network = pretrained_network(backbone, 2, weights, mx.cpu(), seed)
    return epochs_of(network, training_data(photos, 640), recipe, seed)


def from_xavier(_photos: Path, drawings: Path, precision: Precision, seed: int) -> list[EpochMetrics]:
    """Train resnet18_v2 from Xavier on drawings of 64 x 64 pixels, else as the baseline of `classic`."""
    backbone = backbone_named("resnet18_v2")
    backbone = replace(backbone, preprocessing=replace(backbone.preprocessing, size=64))
    reader = ImageReader(drawings, backbone.preprocessing)
    recipe = replace(baseline_of(recipe_named("classic")), epochs=6, precision=precision)
    network = scratch_network(backbone, 2, mx.cpu(), seed)
    return epochs_of(network, replace(training_data(drawings), reader=reader), recipe, seed)


def epochs_of(network: Any, data: TrainingData, recipe: Recipe, seed: int) -> list[EpochMetrics]:
    """Return the metrics of each epoch of a training."""
    events = fit_all_layers(network, data, recipe, Surroundings(mx.cpu(), seed, lambda: None))
    return [event for event in events if isinstance(event, EpochMetrics)]


TRAININGS = {
    "EfficientNet-Lite0, pretrained, 640 photos, 1 epoch": fine_tuned,
    "resnet18_v2 from Xavier, 400 drawings, 6 epochs": from_xavier,
}
