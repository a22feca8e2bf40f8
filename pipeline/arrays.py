"""The type of numpy arrays in annotations; shapes and dtypes stand in the docstrings."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
