"""Where MXNet can compute: the driver, the GPUs, and with the GPU wheel its CUDA libraries."""

import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs.examination.check import Check
from pipeline.cuda_driver import (
    WANTED_VERSION,
    DriverProbe,
    driver_problem,
    gpu_problem,
    probe_from,
    version_text,
)
from pipeline.cuda_libraries import GPU_WHEEL, mxnet_distributions
from pipeline.device import CHECK_SECONDS, NO_GPU_CODE, judge
from pipeline.device_check import ALL_GPUS
from pipeline.probe_child import ProbeOutcome, describe_end, run_probe

PROBE_SECONDS = 30.0
COMPILED_CUDNN = 8101  # MXNet's GPU wheel was compiled against cuDNN 8.1.1
REINSTALL = "run `pip install --force-reinstall 'whisker[cu112]'`"
# Their CUDA 12 and 13 wheels write files of the same path as the CUDA 11 wheels that MXNet needs.
OVERLAPPING = tuple(
    f"nvidia-{part}-cu{cuda}" for part in ("nccl", "curand", "cusolver", "nvtx", "cudnn") for cuda in (12, 13)
)


def examine_devices() -> list[Check]:
    """Return the checks of the GPUs; with MXNet's CPU wheel only whether one lies idle."""
    driver = driver_of(run_probe("pipeline.cuda_driver", timeout_seconds=PROBE_SECONDS))
    if GPU_WHEEL not in mxnet_distributions():
        return [idle_gpu_check(driver)]
    libraries = run_probe("pipeline.cuda_libraries", timeout_seconds=PROBE_SECONDS)
    proof = run_probe("pipeline.device_check", ALL_GPUS, timeout_seconds=CHECK_SECONDS)
    return [
        overlapping_check(_installed(OVERLAPPING)),
        *library_checks(libraries.facts.get("libraries", [])),
        cudnn_check(libraries),
        kernel_driver_check(_kernel_driver_files()),
        driver_check(driver),
        *gpu_checks(driver),
        proof_check(proof),
    ]


def driver_of(outcome: ProbeOutcome) -> DriverProbe:
    """Return what a child found out about the driver, or that it died of it."""
    values = outcome.facts.get("driver")
    return probe_from(values) if values else DriverProbe(error=describe_end(outcome, PROBE_SECONDS))


def idle_gpu_check(driver: DriverProbe) -> Check:
    """Return whether MXNet's CPU wheel leaves a GPU unused that the GPU wheel could use."""
    usable = [gpu.name for gpu in driver.gpus if not gpu_problem(gpu)]
    if usable and not driver_problem(driver):
        return Check("GPU", "warning", f"{usable[0]} is not used: {NO_GPU_CODE}")
    if driver.gpus:
        reason = driver_problem(driver) or gpu_problem(driver.gpus[0])
        return Check("GPU", "ok", f"the CPU is used, and the GPU wheel would not help: {reason}")
    return Check("GPU", "ok", "no NVIDIA GPU was found; training uses the CPU")


def overlapping_check(installed: Iterable[str]) -> Check:
    """Return whether CUDA 12 or 13 wheels share the environment with those of CUDA 11."""
    names = ", ".join(installed)
    if not names:
        return Check("CUDA wheels", "ok", "no wheel of another CUDA version overwrites the libraries")
    message = f"{names} may overwrite libraries of CUDA 11; give Whisker a virtual environment of its own"
    return Check("CUDA wheels", "warning", message)


def library_checks(libraries: Iterable[Mapping[str, Any]]) -> list[Check]:
    """Return one check per CUDA library that the GPU wheel needs."""
    return [_library_check(library) for library in libraries]


def cudnn_check(outcome: ProbeOutcome) -> Check:
    """Return whether cuDNN is one that MXNet can use; `outcome` is that of `pipeline.cuda_libraries`."""
    version, mismatched = int(outcome.facts.get("cudnn", 0)), outcome.facts.get("cudnn_mismatched")
    if mismatched is None and outcome.exit_status == 0:
        return Check("cuDNN", "problem", f"cuDNN is not there to be asked for its version; {REINSTALL}")
    if mismatched is None:
        end = describe_end(outcome, PROBE_SECONDS)
        return Check("cuDNN", "problem", f"cuDNN cannot be asked for its version, {end}; {REINSTALL}")
    if mismatched:
        parts = ", ".join(mismatched)
        return Check("cuDNN", "problem", f"parts of cuDNN are of another version ({parts}); {REINSTALL}")
    if version // 1000 != 8 or version < COMPILED_CUDNN:
        return Check("cuDNN", "problem", f"cuDNN {version} does not fit, MXNet needs 8.1 to 8.9; {REINSTALL}")
    return Check("cuDNN", "ok", f"cuDNN {version // 1000}.{version % 1000 // 100}.{version % 100}")


def kernel_driver_check(files: Iterable[str]) -> Check:
    """Return whether the kernel's part of the NVIDIA driver shows itself by one of its files."""
    found = ", ".join(files)
    if found:
        return Check("kernel driver", "ok", f"the NVIDIA kernel driver is there ({found})")
    mend = "install the NVIDIA driver, or start the container with `--gpus all`"
    return Check("kernel driver", "problem", f"the kernel shows no NVIDIA device; {mend}")


def driver_check(driver: DriverProbe) -> Check:
    """Return whether the driver starts and is new enough."""
    problem = driver_problem(driver)
    if problem:
        return Check("NVIDIA driver", "problem", problem)
    version = driver.version or 0
    text = f"the NVIDIA driver supports CUDA {version_text(version)}"
    if version < WANTED_VERSION:
        late = f"{text}, so fused operators stay off (MXNET_USE_FUSION=0); update it to 520.61.05 or newer"
        return Check("NVIDIA driver", "warning", late)
    return Check("NVIDIA driver", "ok", text)


def gpu_checks(driver: DriverProbe) -> list[Check]:
    """Return one check per GPU: whether MXNet's GPU wheel has code for it."""
    checks = []
    for index, gpu in enumerate(driver.gpus):
        problem = gpu_problem(gpu)
        message = problem or f"{gpu.name}, compute capability {gpu.major}.{gpu.minor}"
        checks.append(Check(f"gpu:{index}", "problem" if problem else "ok", message))
    return checks


def proof_check(outcome: ProbeOutcome) -> Check:
    """Return whether the GPUs have trained one step, which is the only proof that they can be used."""
    device = judge(outcome, CHECK_SECONDS)
    if device.kind == "cpu":
        return Check("MXNet on the GPU", "problem", f"not all GPUs can be used: {device.note}")
    together = ", and these add up what they have" if len(device.numbers) > 1 else ""
    return Check("MXNet on the GPU", "ok", f"MXNet trains one step on {device.name}{together}")


def _library_check(library: Mapping[str, Any]) -> Check:
    name = library["name"]
    if library["path"] is None:
        return Check(name, "problem", f"{name} cannot be loaded ({library['error']}); {REINSTALL}")
    return Check(name, "ok", f"{name} is loaded from {library['path']}")


def _kernel_driver_files() -> list[str]:
    """Return the signs of a kernel driver; /dev/nvidiactl is none, since the library itself creates it."""
    fixed = [path for path in ("/proc/driver/nvidia/version", "/dev/dxg") if Path(path).exists()]
    return [*fixed, *sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*"))]


def _installed(names: Iterable[str]) -> list[str]:
    found = {distribution.metadata["Name"] for distribution in importlib.metadata.distributions()}
    return [name for name in names if name in found]
