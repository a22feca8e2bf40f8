"""From folders to a model that gets 98 % of the test photos right: the plain recipe against `fast`.

    python -m benchmarks.time_to_98 PHOTOS [EPOCHS]

Whisker's times are those of whole commands: start-up, scan, verdict and report included. The plain script
has OMP_NUM_THREADS and no loader processes, which make it faster here; it is given up after EPOCHS.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.timed import run_now
from pipeline.processors import usable_processors

WANTED = 0.98
EPOCHS = 2


def main(photos: Path, epochs: int = EPOCHS, device: str = "cpu") -> None:
    """Print a table with a row for each way; every ratio is to the cold cycle."""
    with tempfile.TemporaryDirectory() as name:
        images, home = Path(name) / "images", Path(name) / "home"
        for split in ("train", "test"):
            shutil.copytree(photos / split, images / split)
        cold, first = run_now(home, images, "--no-baseline", "--device", device)
        shutil.copytree(photos / "arrivals", images / "train", dirs_exist_ok=True)
        warm, second = run_now(home, images, "--no-baseline", "--if-changed", "--device", device)
        rows = [
            ("`fast`, first cycle", cold.seconds, first["finetune"]["test_accuracy"]),
            ("`fast`, 300 more photos", warm.seconds, second["finetune"]["test_accuracy"]),
            _plain(images, "efficientnet_lite0", epochs, device),
            _plain(images, "resnet18_v2", 1, device),
        ]
    print("| way | seconds | test accuracy | ratio to the first cycle | peak memory |")
    print("|---|---|---|---|---|")
    memory = [f"{cold.peak_mb:,.0f} MB", f"{warm.peak_mb:,.0f} MB", "", ""]
    for (way, seconds, accuracy), peak in zip(rows, memory, strict=True):
        print(f"| {way} | {seconds:.1f} | {accuracy:.4f} | {seconds / cold.seconds:.2f} | {peak} |")
    if device == "cpu":
        print("\nGPU: not measured.")


def _plain(images: Path, backbone: str, epochs: int, device: str) -> tuple[str, float, float]:
    """Run the plain script until it gets there; return a name, the seconds and the accuracy then."""
    started = time.perf_counter()
    accuracy, epoch = 0.0, 0
    for report in _epochs(images, backbone, epochs, device):
        accuracy, epoch = report["test_accuracy"], report["epoch"]
        if accuracy >= WANTED:
            break
    seconds = time.perf_counter() - started
    if backbone != "efficientnet_lite0":
        return (
            f"plain script, {backbone}, {epoch} epoch from random weights, for its time alone",
            seconds,
            accuracy,
        )
    end = "there" if accuracy >= WANTED else "not there yet, given up"
    return f"plain script, {backbone}, {epoch} epochs: {end}", seconds, accuracy


def _epochs(images: Path, backbone: str, epochs: int, device: str) -> Iterator[Any]:
    words = ["-m", "benchmarks.plain_recipe", images, backbone, epochs, 0, device]
    command = [sys.executable, "-W", "ignore", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(usable_processors())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        try:
            yield from (found for line in child.stdout if "epoch" in (found := json.loads(line)))
        finally:
            child.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
