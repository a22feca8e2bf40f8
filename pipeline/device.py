"""Decide on which device to compute; a GPU counts only after a child process has proved that it works."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.cuda_libraries import CPU_WHEEL, GPU_WHEEL, distributions_problem, mxnet_distributions
from pipeline.errors import BadSettings, DeviceUnavailable
from pipeline.probe_child import ProbeOutcome, describe_end, run_probe

PART = r"[0-9]{1,3}(?:-[0-9]{1,3})?"  # of a list of devices: a number, or the first and the last of some
# Loading 900 MB of library and tuning the first convolution take their time on a cold machine.
CHECK_SECONDS = 180.0
NO_GPU_CODE = (
    "MXNet's CPU wheel is installed, which has no GPU code; for an NVIDIA GPU run `pip uninstall mxnet`, "
    "then `pip install 'whisker[cu112]'`"
)
KVSTORES = ("device", "local", "nccl")  # of MXNet; what adds up the gradients of several devices of one host
MOST_DEVICES = 64


@dataclass(frozen=True)
class Device:
    """Where to compute: one device, or several of a kind that share each batch."""

    name: str  # "cpu", "gpu:0" and so on; several: "gpu:0,1", or "cpu:0,1", which is the same processor twice
    note: str | None = None  # why `auto` took the CPU; None if there is nothing to say
    kvstore: str = "device"  # one of KVSTORES

    @property
    def kind(self) -> str:
        """Return `cpu` or `gpu`."""
        return parse_device(self.name)[0]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of the devices; the processor as such is 0."""
        return parse_device(self.name)[1] or (0,)


def resolve_device(name: str, kvstore: str = "device", *, timeout_seconds: float = CHECK_SECONDS) -> Device:
    """Return the device for `auto`, `cpu`, `gpu` (the first that fits), `gpu:0,1` and so on, without MXNet.

    `auto` falls back to the CPU with a note. With the CPU wheel it starts no process.

    Args:
        name: of one device or several.
        kvstore: one of KVSTORES; what several are to be proved to work together with.
        timeout_seconds: of the check of GPUs.

    Raises:
        BadSettings: the name is none of these, or processors were to be used as GPUs alone can be.
        DeviceUnavailable: a GPU was asked for by name and cannot be used.
    """
    kind, numbers = parse_device(name)
    if kind == "cpu":
        if kvstore == "nccl" and len(numbers) > 1:
            raise BadSettings(f"kvstore = 'nccl' is for GPUs, and device is {name}; use device or local")
        return Device(_name(kind, numbers), kvstore=kvstore)
    found = _find_gpus(_name("gpu", numbers), kvstore, timeout_seconds)
    if found.kind == "cpu" and kind == "gpu":
        raise DeviceUnavailable(f"--device {name} cannot be used: {found.note}")
    return replace(found, kvstore=kvstore)


def needs_no_gpu(name: str) -> bool:
    """Return whether `resolve_device` would say the CPU without looking for a GPU."""
    kind, _ = parse_device(name)
    return kind == "cpu" or (kind == "auto" and list(mxnet_distributions()) == [CPU_WHEEL])


def parse_device(name: str) -> tuple[str, tuple[int, ...]]:
    """Return the kind (`auto`, `cpu` or `gpu`) and the numbers, if some were given.

    Raises:
        BadSettings: it is no name of a device, or of several.
    """
    match = re.fullmatch(rf"(auto|cpu|gpu)|(cpu|gpu):({PART}(?:,{PART})*)", name)
    if match is None:
        if {"cpu", "gpu"} <= set(re.findall("[a-z]+", name)):
            raise BadSettings(f"device {name!r} mixes processors and GPUs; a run uses one kind of device")
        raise BadSettings(
            f"device {name!r} is unknown; use auto, cpu, gpu, gpu:N, or several such as gpu:0,1 or gpu:0-3"
        )
    return (match[1], ()) if match[1] else (match[2], tuple(_numbers(match[3], name)))


def contexts(device: Device) -> tuple[Any, ...]:
    """Return MXNet's contexts for a resolved device (`mx.Context`); imports MXNet."""
    from pipeline.runtime import mx

    return tuple(mx.Context(device.kind, number) for number in device.numbers)


def judge(outcome: ProbeOutcome, timeout_seconds: float) -> Device:
    """Return the GPU that the check has proved usable, or the CPU with the reason as its note."""
    proved, problem = outcome.facts.get("proved"), outcome.facts.get("problem")
    if proved and outcome.exit_status == 0:
        return Device(proved)
    if problem:
        return Device("cpu", problem)
    end = describe_end(outcome, timeout_seconds)
    return Device("cpu", f"the check of the GPU failed, {end}; run `cli.py doctor`, or use --device cpu")


def _find_gpus(which: str, kvstore: str, timeout_seconds: float) -> Device:
    """Return a GPU that works, or all that are named, or the CPU with a note that says why none does."""
    installed = mxnet_distributions()
    if list(installed) == [CPU_WHEEL]:
        return Device("cpu", NO_GPU_CODE)
    if list(installed) != [GPU_WHEEL]:
        return Device("cpu", distributions_problem(installed))
    outcome = run_probe("pipeline.device_check", which, kvstore, timeout_seconds=timeout_seconds)
    return judge(outcome, timeout_seconds)


def _name(kind: str, numbers: Sequence[int]) -> str:
    return f"{kind}:{','.join(map(str, numbers))}" if numbers else kind


def _numbers(listed: str, name: str) -> list[int]:
    """Return the numbers that a list such as `0,2-4` stands for; `name` is that of all of it."""
    numbers: list[int] = []
    for part in listed.split(","):
        first, last = (int(end) for end in (part.split("-") * 2)[:2])
        if last < first:
            raise BadSettings(f"device {name!r}: {part} is no range; write the smaller number first")
        numbers += range(first, last + 1)
    if len(numbers) > MOST_DEVICES:
        raise BadSettings(f"device {name!r} names {len(numbers)} devices, and the most are {MOST_DEVICES}")
    for number in numbers:
        if numbers.count(number) > 1:
            kind = name.partition(":")[0]
            raise BadSettings(f"device {name!r} names {kind}:{number} twice; name each device once")
    return numbers
