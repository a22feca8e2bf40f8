"""What a cycle costs over more and more images: the first one, and one with 100 new images after it.

    python -m benchmarks.growth PHOTOS [IMAGES ...]

`fast` without the baseline, `python cli.py run-now` as a process of its own, start-up and report included.
Beyond the number of real photos, crops of them are added, each with other bytes and another picture hash.
"""

import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.timed import run_now

SIZES = (500, 1_000, 2_000, 4_000, 8_000)
ARRIVALS = 100


def main(photos: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """Print the table, and the slopes of its columns."""
    print(f"| images | first cycle | with {ARRIVALS} new | ratio | peak memory of the first |")
    print("|---|---|---|---|---|")
    seconds = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pictures = _pictures(photos)
            _add(folder / "images", pictures, size)
            cold, _ = run_now(folder / "home", folder / "images", "--no-baseline")
            _add(folder / "images", pictures, ARRIVALS)
            warm, _ = run_now(folder / "home", folder / "images", "--no-baseline", "--if-changed")
        seconds.append((cold.seconds, warm.seconds))
        print(
            f"| {size:,} | {cold.seconds:.1f} s | {warm.seconds:.1f} s | {cold.seconds / warm.seconds:.1f} "
            f"| {cold.peak_mb:,.0f} MB |",
            flush=True,
        )
    slopes = np.polyfit(np.array(sizes) / 1000, np.array(seconds), 1)[0]
    print(f"\nSlope: {slopes[0]:.1f} s for 1,000 more images in the first cycle, {slopes[1]:.1f} s after it.")


def _pictures(photos: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yield class and picture without end: first each photo, then crops of it."""
    files = [
        sorted((photos / split / label).glob("*.jpg")) for label in ("cat", "dog") for split in ("train",)
    ]
    for turn in itertools.count():
        random = np.random.default_rng(turn)
        for pair in zip(*files, strict=False):
            for file in pair:
                with Image.open(file) as image:
                    yield file.parent.name, _crop(image.convert("RGB"), random) if turn else image.copy()


def _crop(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return three quarters of a picture, somewhere in it."""
    width, height = image.size
    left, top = (int(random.uniform(0, side / 4)) for side in (width, height))
    return image.crop((left, top, left + width * 3 // 4, top + height * 3 // 4))


def _add(images: Path, pictures: Iterator[tuple[str, Image.Image]], count: int) -> None:
    for label, picture in itertools.islice(pictures, count):
        (images / label).mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in (images / label).iterdir())
        picture.save(images / label / f"{number:06}.jpg", quality=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(map(int, sys.argv[2:])) or SIZES)
