"""Ask the NVIDIA driver what it can do, through its own C interface: no CUDA library and no MXNet is loaded.

A GPU that the driver shows may still be of no use to MXNet's GPU wheel, which holds machine code for compute
capability 5 to 8 and nothing that a newer GPU could translate. `gpu_problem` decides that from plain values.
Run as `python -m pipeline.cuda_driver`, it prints the probe as one line of JSON: in a child process, so that
a broken driver cannot take the caller with it, and CUDA is not started before a later `fork`.
"""

import ctypes
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.cuda_libraries import DRIVER_LIBRARIES, load_driver

OLDEST_VERSION = 11000  # CUDA 11.0, as cuDriverGetVersion counts
WANTED_VERSION = 11080  # CUDA 11.8: from here on also the fused operators that MXNet compiles at run time
OLDEST_COMPUTE = 5
NEWEST_COMPUTE = 8

COMPUTE_MAJOR, COMPUTE_MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR

START_PROBLEMS = {
    35: "the NVIDIA driver is too old for its CUDA library; update the driver",
    100: "the NVIDIA driver shows no GPU; check that CUDA_VISIBLE_DEVICES does not hide it "
    "and that a container was started with `--gpus all`",
    101: "the NVIDIA driver finds no GPU of that number; check CUDA_VISIBLE_DEVICES",
    802: "the GPUs are not ready yet; start the service nvidia-fabricmanager",
    803: "the NVIDIA driver and its library are of different versions, as after an update; reboot",
    804: "the CUDA compatibility package does not support this GPU; remove it or update the driver",
    999: "the NVIDIA driver fails with an unknown error; load the kernel module nvidia-uvm or reboot",
}


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver describes it."""

    name: str
    major: int  # compute capability, e.g. 8 of 8.6
    minor: int


@dataclass(frozen=True)
class DriverProbe:
    """What the driver answered; what could not be asked is None or empty."""

    library: str | None = None  # None if no driver library could be loaded
    error: str | None = None  # why not
    started: int | None = None  # the result of cuInit: 0 is success
    version: int | None = None  # the newest CUDA that the driver supports: 11080 is 11.8
    gpus: tuple[Gpu, ...] = ()


def probe_driver(candidates: Sequence[str] = DRIVER_LIBRARIES) -> DriverProbe:
    """Load the driver library, start it and list its GPUs; never raises for what a driver may answer."""
    loaded = load_driver(candidates)
    if loaded.path is None:
        return DriverProbe(error=loaded.error)
    cuda = ctypes.CDLL(loaded.path)
    try:
        version = _integer(cuda.cuDriverGetVersion)
        started = int(cuda.cuInit(0))
        gpus = _gpus(cuda) if started == 0 else ()
    except AttributeError as error:  # a stub without the functions, as build images have
        return DriverProbe(error=f"{loaded.path} is no complete driver library ({error})")
    return DriverProbe(loaded.path, None, started, version, gpus)


def probe_from(values: Mapping[str, Any]) -> DriverProbe:
    """Return the probe that was printed as JSON by a child process."""
    gpus = tuple(Gpu(**gpu) for gpu in values["gpus"])
    return DriverProbe(**{**values, "gpus": gpus})


def driver_problem(probe: DriverProbe) -> str | None:
    """Return why this driver can run no GPU for MXNet, with the way out, or None if it can."""
    if probe.library is None:
        return f"no NVIDIA driver can be loaded ({probe.error}); install the driver, or use --device cpu"
    if probe.started != 0:
        unknown = f"the NVIDIA driver does not start (cuInit gives {probe.started}); reinstall it or reboot"
        return START_PROBLEMS.get(probe.started or 0, unknown)
    if probe.version is not None and probe.version < OLDEST_VERSION:
        supported = version_text(probe.version)
        return (
            f"the NVIDIA driver is too old: it supports CUDA {supported} and MXNet needs 11.0; "
            "update it to version 520.61.05 or newer"
        )
    if not probe.gpus:
        return START_PROBLEMS[100]
    return None


def gpu_problem(gpu: Gpu) -> str | None:
    """Return why MXNet's GPU wheel has no code for this GPU, with the way out, or None if it has."""
    compute = f"{gpu.name} (compute capability {gpu.major}.{gpu.minor})"
    if gpu.major > NEWEST_COMPUTE:
        return f"{compute} is too new: mxnet-cu112 has code up to 8.x only; use --device cpu"
    if gpu.major < OLDEST_COMPUTE:
        return f"{compute} is too old: mxnet-cu112 has code from 5.0 on; use --device cpu"
    return None


def choose_gpu(probe: DriverProbe, index: int | None) -> tuple[int | None, str | None]:
    """Return the GPU to try (`index`, or the first that MXNet has code for), or else the reason."""
    problem = driver_problem(probe)
    if problem:
        return None, problem
    if index is not None and index >= len(probe.gpus):
        return None, f"there is no GPU {index}; the driver shows {_numbered(probe.gpus)}"
    problems = [gpu_problem(gpu) for gpu in probe.gpus]
    for candidate in range(len(problems)) if index is None else (index,):
        if problems[candidate] is None:
            return candidate, None
    return None, problems[index or 0]


def version_text(version: int) -> str:
    """Return CUDA's version number as people write it: 11.8 for 11080."""
    return f"{version // 1000}.{version % 1000 // 10}"


def _numbered(gpus: Sequence[Gpu]) -> str:
    return ", ".join(f"gpu:{index} ({gpu.name})" for index, gpu in enumerate(gpus))


def _gpus(cuda: ctypes.CDLL) -> tuple[Gpu, ...]:
    count = _integer(cuda.cuDeviceGetCount) or 0
    return tuple(_gpu(cuda, index) for index in range(count))


def _gpu(cuda: ctypes.CDLL, index: int) -> Gpu:
    device = _integer(cuda.cuDeviceGet, index) or 0
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGetName(name, len(name), device)
    major = _integer(cuda.cuDeviceGetAttribute, COMPUTE_MAJOR, device) or 0
    minor = _integer(cuda.cuDeviceGetAttribute, COMPUTE_MINOR, device) or 0
    return Gpu(name.value.decode("utf-8", "replace"), major, minor)


def _integer(function: Any, *arguments: int) -> int | None:
    """Call a function of the driver that writes one integer to its first argument; None if it fails."""
    result = ctypes.c_int(0)
    return None if function(ctypes.byref(result), *arguments) else result.value


if __name__ == "__main__":
    print(json.dumps({"driver": asdict(probe_driver())}))
