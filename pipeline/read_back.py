"""Write files of arrays that hold what was written: MXNet reports no error when the end does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import SaveFailed
from pipeline.publish import sha256_of, sync_file
from pipeline.runtime import mx


def save_arrays(file: Path, arrays: Mapping[str, Any]) -> str:
    """Write MXNet's arrays to a file, read them back and sync it; return its SHA-256.

    Raises:
        SaveFailed: the file does not hold what was written.
        OSError, mx.MXNetError: it could not be written.
    """
    mx.nd.save(str(file), dict(arrays))
    check_read_back(file, mx.nd.load(str(file)), arrays)
    sync_file(file)
    return sha256_of(file)


def check_read_back(file: Path, found: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """Compare MXNet's arrays, those read from the file with those that were written to it, by name.

    Raises:
        SaveFailed: one differs.
    """
    for name, array in written.items():
        if not np.array_equal(found[name].asnumpy(), array.asnumpy(), equal_nan=True):
            raise SaveFailed(f"{file} does not hold what was written to it; check the disk")
