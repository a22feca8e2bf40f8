"""Small pictures that differ from each other, for tests that need many."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """Return smooth coloured clouds; two seeds give pictures that nobody would take for one."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def save_tinted_pictures(folder: Path) -> None:
    """Save pictures of two classes that any network tells apart in no time: a red and a blue tint.

    Of each 10 to train and 4 to test on.
    """
    for number in range(28):
        split = "train" if number < 20 else "test"
        label, tint = (("cat", "red"), ("dog", "blue"))[number % 2]
        path = folder / split / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        clouds = picture(number, (40, 40))
        Image.blend(clouds, Image.new("RGB", clouds.size, tint), 0.4).save(path)


def save_picture(path: Path, seed: int) -> None:
    """Save a picture as JPEG, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path, quality=90)
