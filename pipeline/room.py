"""Room for very many numbers: what the memory should not hold lies in a file that is mapped into it."""

import os
import tempfile
from pathlib import Path

import numpy as np

from pipeline.arrays import Array

IN_MEMORY = 2 * 1024**3  # bytes


def room_for(shape: tuple[int, ...], folder: Path | None) -> Array:
    """Return an array, float32, whose numbers are to be filled in.

    Beyond `IN_MEMORY` it is a file without a name in `folder`, which is gone with the process, however that
    ends. The system keeps of it in memory what fits there, so it costs time and not the process. Its blocks
    are taken at once: a disk that is full only later would end the process by a signal.

    Raises:
        OSError: the disk has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(np.float32).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, np.float32)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(file, np.float32, "r+", shape=shape)
