"""Weights that are the same on both sides of a comparison, drawn from nothing but the parameters' names."""

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

IMAGE_SEED = 20261126


def drawn_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Return an array for each name of PyTorch's state dict, fit for a deep network."""
    return {name: _drawn(name, shape) for name, shape in shapes.items()}


def _drawn(name: str, shape: tuple[int, ...]) -> Array:
    if name.endswith("num_batches_tracked"):
        return np.array(7, np.int64)
    low, high = _range(name, shape)
    # numpy promises that this generator gives the same numbers in all its versions.
    numbers = np.random.RandomState(zlib.crc32(name.encode())).random_sample(shape)
    drawn: Array = (low + (high - low) * numbers).astype(np.float32)
    return drawn


def _range(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    if len(shape) > 1:  # as He et al. draw them
        limit = math.sqrt(6 / math.prod(shape[1:]))
        return -limit, limit
    if name.endswith("running_var"):
        return 0.5, 1.5
    return (0.3, 0.7) if name.endswith("weight") else (-0.1, 0.1)


def noise_images(size: int) -> Array:
    """Return one normalised image of noise, float32 (1, 3, size, size)."""
    return np.random.RandomState(IMAGE_SEED).standard_normal((1, 3, size, size)).astype(np.float32)
