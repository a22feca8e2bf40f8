"""Find MXNet's distribution and load the CUDA libraries that its GPU wheel needs but does not declare.

The wheel `mxnet-cu112` names ten CUDA 11 libraries and the driver's `libcuda.so.1` by their sonames only, and
the packages that hold them put them where the loader does not look. A library that is already loaded
satisfies every later request for its soname, so loading them first by path is enough, and no file of an
installed package is changed. What cannot be loaded is left out: the import of MXNet then names it.

Run as `python -m pipeline.cuda_libraries`, it prints in lines of JSON what became of the libraries and what
cuDNN says of itself: in a child process, because an old cuDNN ends the process instead of returning an error.
"""

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import MXNetUnavailable

CPU_WHEEL = "mxnet"
GPU_WHEEL = "mxnet-cu112"

# In the order of loading: a library stands after those that it needs.
CUDA_LIBRARIES = (
    "cuda_runtime/lib/libcudart.so.11.0",
    "cuda_nvrtc/lib/libnvrtc.so.11.2",
    "nvtx/lib/libnvToolsExt.so.1",
    "cublas/lib/libcublasLt.so.11",
    "cublas/lib/libcublas.so.11",
    "cufft/lib/libcufft.so.10",
    "curand/lib/libcurand.so.10",
    "cusolver/lib/libcusolver.so.11",
    "nccl/lib/libnccl.so.2",
    "cudnn/lib/libcudnn.so.8",
)
# The plain name first, then where WSL and NixOS keep it.
DRIVER_LIBRARIES = (
    "libcuda.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
    "/run/opengl-driver/lib/libcuda.so.1",
)
CUDNN_PARTS = ("OpsInfer", "OpsTrain", "CnnInfer", "CnnTrain", "AdvInfer", "AdvTrain")


@dataclass(frozen=True)
class LoadedLibrary:
    """What became of one library: the path or soname that was loaded, or why none could be."""

    name: str
    path: str | None
    error: str | None


def prepare_import() -> None:
    """Check that exactly one MXNet is installed, and load the CUDA libraries of the GPU wheel.

    Raises:
        MXNetUnavailable: no MXNet, or both wheels, which overwrite each other's files.
    """
    installed = mxnet_distributions()
    problem = distributions_problem(installed)
    if problem:
        raise MXNetUnavailable(problem)
    if GPU_WHEEL in installed:
        load_cuda_libraries()
        load_driver()
        _avoid_fusion_on_an_older_driver()


def mxnet_distributions() -> dict[str, str]:
    """Return name and version of each installed distribution that holds the module `mxnet`."""
    found = {}
    for name in (CPU_WHEEL, GPU_WHEEL):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def distributions_problem(installed: Iterable[str]) -> str | None:
    """Return what is wrong with this set of MXNet distributions, as a sentence, or None if it is one."""
    names = sorted(installed)
    if not names:
        return "MXNet is not installed; run `pip install 'whisker[cpu]'`"
    if len(names) > 1:
        return (
            "both mxnet and mxnet-cu112 are installed, and each overwrites the other's files; "
            "run `pip uninstall mxnet mxnet-cu112`, then `pip install 'whisker[cpu]'` or 'whisker[cu112]'"
        )
    return None


def nvidia_roots() -> tuple[Path, ...]:
    """Return the folders of the namespace package `nvidia`, where the CUDA wheels put their libraries."""
    package = importlib.util.find_spec("nvidia")
    locations = package.submodule_search_locations if package else None
    return tuple(Path(location) for location in locations or ())


def load_cuda_libraries(roots: Sequence[Path] | None = None) -> tuple[LoadedLibrary, ...]:
    """Load each CUDA library from the CUDA wheels under `roots`, or else from where the system has it."""
    folders = nvidia_roots() if roots is None else roots
    return tuple(_load_first(_candidates(library, folders)) for library in CUDA_LIBRARIES)


def load_driver(candidates: Sequence[str] = DRIVER_LIBRARIES) -> LoadedLibrary:
    """Load the NVIDIA driver's library, which comes with the driver and with no Python package."""
    return _load_first(candidates)


def _candidates(library: str, roots: Iterable[Path]) -> list[str]:
    """Return the paths that exist under `roots`, then the soname for a CUDA 11 of the system."""
    paths = [root / library for root in roots]
    return [str(path) for path in paths if path.is_file()] + [Path(library).name]


def _load_first(candidates: Sequence[str]) -> LoadedLibrary:
    """Load the first candidate that can be; ctypes never closes a library, so it stays."""
    name = Path(candidates[0]).name
    errors = []
    for candidate in candidates:
        try:
            ctypes.CDLL(candidate)  # RTLD_LOCAL: the soname is what counts, and symbols cannot clash
        except OSError as error:
            errors.append(str(error))
        else:
            return LoadedLibrary(name, candidate, None)
    return LoadedLibrary(name, None, errors[0])


def _avoid_fusion_on_an_older_driver() -> None:
    """Turn operator fusion off where the driver is older than CUDA 11.8, whose compiler makes fused code.

    Such a driver (450 to 519) runs the rest through CUDA 11's compatibility between minor versions.
    """
    version = ctypes.c_int(0)
    try:
        failed = ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return  # no driver: the import of MXNet says so
    if not failed and version.value < 11080:
        os.environ.setdefault("MXNET_USE_FUSION", "0")


def _report() -> Iterator[dict[str, object]]:
    """Yield what became of each library, then cuDNN's version and its parts whose own check fails."""
    loaded = load_cuda_libraries()
    yield {"libraries": [asdict(library) for library in loaded]}
    if loaded[-1].path is None:
        return
    cudnn = ctypes.CDLL(loaded[-1].path)
    cudnn.cudnnGetVersion.restype = ctypes.c_size_t
    yield {"cudnn": int(cudnn.cudnnGetVersion())}
    checks = {part: getattr(cudnn, f"cudnn{part}VersionCheck")() for part in CUDNN_PARTS}
    yield {"cudnn_mismatched": [part for part, status in checks.items() if status != 0]}


if __name__ == "__main__":
    for line in _report():
        print(json.dumps(line), flush=True)  # at once: the next step may end the process
    sys.exit(0)
