"""The one place that imports MXNet.

What must be decided before its first import (the number of threads, the CUDA libraries of the GPU wheel)
is decided here, so every module that computes writes `from pipeline.runtime import mx`. Importing this
module costs over a second: commands that do not train must not reach it.
"""

import os
import warnings

from pipeline.cuda_libraries import prepare_import
from pipeline.errors import MXNetUnavailable
from pipeline.processors import usable_processors

# MXNet takes half the processors unless told otherwise, and reads this once, at import.
os.environ.setdefault("OMP_NUM_THREADS", str(usable_processors()))
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
