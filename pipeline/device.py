"""Decide on which device to compute; a GPU counts only after a child process has proved that it works."""

import re
from dataclasses import dataclass
from typing import Any

from pipeline.cuda_libraries import CPU_WHEEL, GPU_WHEEL, distributions_problem, mxnet_distributions
from pipeline.errors import BadSettings, DeviceUnavailable
from pipeline.probe_child import ProbeOutcome, describe_end, run_probe

# Loading 900 MB of library and tuning the first convolution take their time on a cold machine.
CHECK_SECONDS = 180.0
NO_GPU_CODE = (
    "MXNet's CPU wheel is installed, which has no GPU code; for an NVIDIA GPU run `pip uninstall mxnet`, "
    "then `pip install 'whisker[cu112]'`"
)


@dataclass(frozen=True)
class Device:
    """Where to compute."""

    name: str  # "cpu", or "gpu:0" and so on
    note: str | None = None  # why `auto` took the CPU; None if there is nothing to say


def resolve_device(name: str, *, timeout_seconds: float = CHECK_SECONDS) -> Device:
    """Return the device for `auto`, `cpu`, `gpu` (the first that fits) or `gpu:N`, without importing MXNet.

    `auto` falls back to the CPU with a note. With the CPU wheel it starts no process.

    Raises:
        BadSettings: the name is none of these.
        DeviceUnavailable: a GPU was asked for by name and cannot be used.
    """
    kind, number = parse_device(name)
    if kind == "cpu":
        return Device("cpu")
    found = _find_gpu(number, timeout_seconds)
    if found.name == "cpu" and kind == "gpu":
        raise DeviceUnavailable(f"--device {name} cannot be used: {found.note}")
    return found


def needs_no_gpu(name: str) -> bool:
    """Return whether `resolve_device` would say the CPU without looking for a GPU."""
    kind, _ = parse_device(name)
    return kind == "cpu" or (kind == "auto" and list(mxnet_distributions()) == [CPU_WHEEL])


def parse_device(name: str) -> tuple[str, int | None]:
    """Return the kind (`auto`, `cpu` or `gpu`) and the number of the GPU, if one was given.

    Raises:
        BadSettings: it is no name of a device.
    """
    match = re.fullmatch(r"(auto|cpu|gpu)|gpu:([0-9]{1,3})", name)
    if match is None:
        raise BadSettings(f"device {name!r} is unknown; use auto, cpu, gpu or gpu:N, such as gpu:0")
    return (match[1], None) if match[1] else ("gpu", int(match[2]))


def context(device: Device) -> Any:
    """Return MXNet's context for a resolved device (`mx.Context`); imports MXNet."""
    from pipeline.runtime import mx

    kind, number = parse_device(device.name)
    return mx.gpu(number or 0) if kind == "gpu" else mx.cpu()


def judge(outcome: ProbeOutcome, timeout_seconds: float) -> Device:
    """Return the GPU that the check has proved usable, or the CPU with the reason as its note."""
    proved, problem = outcome.facts.get("proved"), outcome.facts.get("problem")
    if proved and outcome.exit_status == 0:
        return Device(proved)
    if problem:
        return Device("cpu", problem)
    end = describe_end(outcome, timeout_seconds)
    return Device("cpu", f"the check of the GPU failed, {end}; run `cli.py doctor`, or use --device cpu")


def _find_gpu(number: int | None, timeout_seconds: float) -> Device:
    """Return a GPU that works, or the CPU with a note that says why none does."""
    installed = mxnet_distributions()
    if list(installed) == [CPU_WHEEL]:
        return Device("cpu", NO_GPU_CODE)
    if list(installed) != [GPU_WHEEL]:
        return Device("cpu", distributions_problem(installed))
    which = "any" if number is None else str(number)
    outcome = run_probe("pipeline.device_check", which, timeout_seconds=timeout_seconds)
    return judge(outcome, timeout_seconds)
