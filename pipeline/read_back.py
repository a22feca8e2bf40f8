"""Check that a file of arrays holds what was written: MXNet reports no error when its end does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import SaveFailed


def check_read_back(file: Path, found: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """Compare MXNet's arrays, those read from the file with those that were written to it, by name.

    Raises:
        SaveFailed: one differs.
    """
    for name, array in written.items():
        if not np.array_equal(found[name].asnumpy(), array.asnumpy(), equal_nan=True):
            raise SaveFailed(f"{file} does not hold what was written to it; check the disk")
