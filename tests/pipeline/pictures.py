"""Small pictures that differ from each other, for tests that need many."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """Return smooth coloured clouds; two seeds give pictures that nobody would take for one."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def save_picture(path: Path, seed: int) -> None:
    """Save a picture as JPEG, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path, quality=90)
