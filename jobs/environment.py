"""What a run was computed with: versions, processor, device."""

import importlib.metadata
import os
import platform
from pathlib import Path

from pipeline.cuda_libraries import mxnet_distributions
from pipeline.device import Device

_PACKAGES = ("whisker", "numpy", "scipy", "pillow", "onnx", "onnxruntime", "sqlalchemy")


def environment(device: Device) -> dict[str, str]:
    """Return what a run's numbers may depend on, as names and texts; MXNet must have been imported."""
    versions = {name: version_of(name) for name in _PACKAGES}
    return {
        **{name: version for name, version in versions.items() if version},
        **mxnet_distributions(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": processor(),
        "threads": os.environ.get("OMP_NUM_THREADS", ""),
        "device": device.name,
        **({"kvstore": device.kvstore} if len(device.numbers) > 1 else {}),
        **({"device note": device.note} if device.note else {}),
    }


def version_of(package: str) -> str | None:
    """Return the installed version of a package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's model name; its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
