"""What training in bfloat16 gains on a processor that has it, and what it does to the result.

Each measurement of the speed has a process of its own, since a graph that MXNet cannot run may end it. The
weights of resnet18_v2 may not be at hand, so the result is that of a network from Xavier, on small photos.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.photos import training_data
from pipeline.backbones import backbone_named
from pipeline.network import scratch_network
from pipeline.precision import BFLOAT16_FLAGS, Precision
from pipeline.processors import processor_flags
from pipeline.reader import ImageReader
from pipeline.recipes import baseline_of, recipe_named
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.train import Surroundings, fit_all_layers

REPOSITORY = Path(__file__).resolve().parent.parent
WAYS = {"resnet18_v2": ("float32", "bfloat16"), "efficientnet_lite0": ("float32", "bfloat16", "mixed")}
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
SIZE = 64  # pixels of the photos that whole trainings see, so that they end in minutes


@dataclass(frozen=True)
class Measured:
    """What one process found out."""

    speed: float = 0.0  # images per second
    peak_gb: float = 0.0
    problem: str = ""


def main(photos: Path, rounds: int = 3) -> None:
    """Print the speed and the peak memory of each way, and the metrics of whole trainings."""
    if not processor_flags() & BFLOAT16_FLAGS:
        print("This processor does not compute in bfloat16: not measured.")
        return
    print_speeds(rounds)
    print_metrics(photos)


def print_speeds(rounds: int) -> None:
    """Print a row for each way to train a backbone."""
    print(f"Updates of all layers on batches of 32, no reading; medians of {rounds} processes, in turn.")
    print("mixed: bfloat16, but float32 in depthwise convolutions.\n")
    print("| backbone | precision | images/s | ratio | peak memory, GB |")
    print("|---|---|---|---|---|")
    for backbone, ways in WAYS.items():
        results = [[measured(backbone, way) for way in ways] for _ in range(rounds)]
        for index, way in enumerate(ways):
            print(f"| {backbone} | {way} | {cells([(one[index], one[0]) for one in results])} |", flush=True)


def measured(backbone: str, way: str) -> Measured:
    """Measure one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.precision_step", backbone, way],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        return Measured(problem=(done.stderr.strip() or f"status {done.returncode}").splitlines()[-1])
    return Measured(**json.loads(done.stdout))


def cells(pairs: list[tuple[Measured, Measured]]) -> str:
    """Return the last cells of a row from measurements, each with that of float32 in the same round."""
    problems = {one.problem for one, _ in pairs if one.problem}
    if problems:
        return f"fails: {'; '.join(sorted(problems))} | |"
    speed, ratio = median(one.speed for one, _ in pairs), median(a.speed / b.speed for a, b in pairs)
    return f"{speed:.1f} | {ratio:.2f} | {max(one.peak_gb for one, _ in pairs):.2f}"


def print_metrics(photos: Path, images: int = 1000, epochs: int = 4) -> None:
    """Train in both precisions and print what the epochs yield; two seeds tell what chance alone does."""
    print(f"\nresnet18_v2 from Xavier, {images:,} training photos of {SIZE} x {SIZE} pixels, else as the")
    print("baseline of `classic`.\n")
    print("| seed | precision | train loss of each epoch | test log loss of each epoch | test accuracy |")
    print("|---|---|---|---|---|")
    for seed in (0, 1):
        for precision in PRECISIONS:
            metrics = trained(photos, images, precision, seed, epochs)
            train = ", ".join(f"{epoch.train_loss:.3f}" for epoch in metrics)
            test = ", ".join(f"{epoch.test_loss:.3f}" for epoch in metrics)
            print(
                f"| {seed} | {precision} | {train} | {test} | {metrics[-1].test_accuracy:.3f} |", flush=True
            )


def trained(photos: Path, images: int, precision: Precision, seed: int, epochs: int) -> list[EpochMetrics]:
    """Return the metrics of the epochs of one training."""
    backbone = backbone_named("resnet18_v2")
    backbone = replace(backbone, preprocessing=replace(backbone.preprocessing, size=SIZE))
    reader = ImageReader(os.fsencode(photos), backbone.preprocessing)
    data = replace(training_data(photos, images), reader=reader)
    recipe = replace(baseline_of(recipe_named("classic")), epochs=epochs, precision=precision)
    network = scratch_network(backbone, 2, mx.cpu(), seed)
    events = fit_all_layers(network, data, recipe, Surroundings(mx.cpu(), seed, lambda: None))
    return [event for event in events if isinstance(event, EpochMetrics)]
