"""The peak memory of a cycle of `fast` with its baseline, at batches of 32 and at the default's.

    python -m benchmarks.baseline_memory PHOTOS

Each cycle is `python cli.py run-now` as a process of its own, start-up and report included. What it holds at
most depends on the size of a batch and not on the number of images, so a few photos of each class will do.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.timed import run_now
from pipeline.recipes import recipe_named

IMAGES = {"train": 32, "test": 12}  # of each class: two batches of 32, and one of the test images


def main(photos: Path) -> None:
    """Print a table with a row for each batch size, and one for a cycle without a baseline."""
    default = recipe_named("fast").baseline_batch_size
    cycles = {
        "with the baseline, batches of 32": ("--set", "baseline_batch_size=32"),
        f"with the baseline, batches of {default} (the default)": (),
        "without a baseline": ("--no-baseline",),
    }
    print(f"EfficientNet-Lite0, {2 * IMAGES['train']} training photos, one epoch of the baseline.\n")
    print("| cycle | peak memory, GB |")
    print("|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_some(photos, folder / "images")
        for number, (cycle, options) in enumerate(cycles.items()):
            home = folder / f"home-{number}"
            done, _ = run_now(home, folder / "images", "--set", "baseline_epochs=1", *options)
            print(f"| {cycle} | {done.peak_mb / 1000:.2f} |", flush=True)


def copy_some(photos: Path, target: Path) -> None:
    """Copy the first photos of each class and split."""
    for split, count in IMAGES.items():
        for folder in sorted(path for path in (photos / split).iterdir() if path.is_dir()):
            (target / split / folder.name).mkdir(parents=True)
            for file in sorted(folder.iterdir())[:count]:
                shutil.copy(file, target / split / folder.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
