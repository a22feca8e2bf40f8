"""The main job on real photos, as a person would run it: accuracy, log loss and minutes of each run."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.timed import accuracy_cell, run_now

JOBS = {
    "fast, with its baseline": (),
    "classic on efficientnet_lite0, 1 epoch": (
        "--recipe", "classic", "--backbone", "efficientnet_lite0", "--epochs", "1", "--no-baseline",
    ),
}  # fmt: skip


def main(photos: Path) -> None:
    """Print a table with a row for each run."""
    print("| job | run | epochs | training images | test accuracy (95 % interval) | log loss | minutes |")
    print("|---|---|---|---|---|---|---|")
    for job, options in JOBS.items():
        with tempfile.TemporaryDirectory() as folder:
            _, result = run_now(Path(folder) / "home", photos, *options)
        for kind in ("finetune", "scratch"):
            if result[kind]:
                print(row(job, result[kind]))


def row(job: str, run: Any) -> str:
    """Return the table row of one run."""
    return (
        f"| {job} | {run['kind']} | {len(run['epochs'])} | {run['train_images']:,} "
        f"| {accuracy_cell(run)} | {run['test_log_loss']:.4f} "
        f"| {run['seconds'] / 60:.1f} |"
    )
