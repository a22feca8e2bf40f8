"""The one place that imports MXNet.

What must be decided before its first import (the number of threads, the CUDA libraries of the GPU wheel)
is decided here, so every module that computes writes `from pipeline.runtime import mx`. Importing this
module costs over a second: commands that do not train must not reach it.
"""

import ctypes
import os
import sys
import warnings

from pipeline.cuda_libraries import prepare_import
from pipeline.errors import MXNetUnavailable
from pipeline.processors import usable_processors

# Numbers of glibc's mallopt.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Let the process use freed memory again instead of giving it back to the system.

    MXNet allocates each operator's output anew. By default glibc maps each large block and unmaps it again,
    so that every page costs a fault and is filled with zeros. Without mapping, and with one heap for all
    threads, the pages are fetched once; holes between the blocks make the heap larger than what is in use.
    Where there is no mallopt, nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
        mallopt(ARENA_MAX, 1)


if "mxnet" not in sys.modules:  # else it has read its settings already
    # MXNet takes half the processors unless told otherwise, and reads this once, at import.
    os.environ.setdefault("OMP_NUM_THREADS", str(usable_processors()))
    keep_freed_memory()
# The GPU wheel was compiled against an older cuDNN of the same major version and would warn each time.
os.environ.setdefault("MXNET_CUDNN_LIB_CHECKING", "0")

prepare_import()
try:
    with warnings.catch_warnings():
        # numpy's notice about the name np.bool, which MXNet still uses; it will never be mended there.
        warnings.simplefilter("ignore", DeprecationWarning)
        import mxnet as mx
except (ImportError, OSError, AttributeError) as error:
    raise MXNetUnavailable(
        f"MXNet cannot be imported ({error}); run `cli.py doctor`, which names what is missing"
    ) from error

__all__ = ["mx"]
