"""`fast` against `thorough` on real photos: where there is little to gain, and where there is more.

    python -m benchmarks.thorough PHOTOS [SHARE]

With SHARE below 1, so much of the training and the test photos is used, to try the script out.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.timed import accuracy_cell, run_now, shown

SMALL = 48  # pixels: the short side of a shrunk photo


@dataclass(frozen=True)
class Case:
    """Photos, and for how many epochs all layers are trained on them at most."""

    name: str
    train: int  # photos
    epochs: int
    write: Callable[[Path, Path], object]  # from a photo to its copy


def shrink(photo: Path, copy: Path) -> None:
    """Write a photo that was as small as a thumbnail once, at its own size."""
    with Image.open(photo) as image:
        scale = SMALL / min(image.size)
        small = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
        small.resize(image.size, Image.Resampling.BILINEAR).save(copy, "JPEG", quality=90)


CASES = (
    Case("600 photos", 600, 3, shutil.copyfile),
    Case("200 photos", 200, 6, shutil.copyfile),
    Case(f"600 photos that were {SMALL} pixels high", 600, 6, shrink),
)
WAYS: dict[str, tuple[object, ...]] = {
    "`fast`": ("--recipe", "fast"),
    "`fast`, `test_time_flip`": ("--recipe", "fast", "--set", "test_time_flip=true"),
    "`thorough`": ("--recipe", "thorough"),
}


def main(photos: Path, share: float = 1.0) -> None:
    """Print a table with a row for each case and way, and what `thorough` found out on held-out photos."""
    print(
        "| training photos | way | test accuracy (95 % interval) | log loss | minutes | peak memory, GB |\n"
        "|---|---|---|---|---|---|",
        flush=True,
    )
    said = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            images = Path(name) / "images"
            copy_photos(photos, images, case, share)
            for way, options in WAYS.items():
                home = Path(name) / way
                epochs = ("--epochs", case.epochs) if "thorough" in options else ()
                done, document = run_now(home, images, "--no-baseline", *options, *epochs)
                print(row(case.name, way, document["finetune"], done.peak_mb), flush=True)
            said += [f"- {case.name}: {note}" for note in notes(home, document) if "all layers:" in note]
    print("\nWhat `thorough` found on training photos that it held out:\n")
    print("\n".join(said))


def copy_photos(photos: Path, images: Path, case: Case, share: float) -> None:
    """Copy the first training photos of each class, and the test photos."""
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            files = sorted((photos / split / label).iterdir())
            files = files[: case.train // 2] if split == "train" else files
            target = images / split / label
            target.mkdir(parents=True)
            for file in files[: round(share * len(files))]:
                case.write(file, target / file.name)


def row(case: str, way: str, run: Any, peak_mb: float) -> str:
    """Return the table row of one run."""
    return (
        f"| {case} | {way} | {accuracy_cell(run)} "
        f"| {run['test_log_loss']:.4f} | {run['seconds'] / 60:.1f} | {peak_mb / 1000:.2f} |"
    )


def notes(home: Path, document: Any) -> list[str]:
    """Return the notes of the fine-tuning."""
    found: list[str] = shown(home, document["finetune"]["id"])["notes"]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:]))
