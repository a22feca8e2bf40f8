"""Prove that MXNet computes on a device, in a process of its own: `python -m pipeline.device_check WHICH`.

WHICH is the name of a device or of several, `gpu` for the first GPU that MXNet has code for, or `gpus` for
all of these. The process asks the driver, imports MXNet, and trains one convolution for one step on each,
whose results are known exactly; several then add up what they have, by the KVStore that a second argument
names. It prints lines of JSON: `driver` (see `pipeline.cuda_driver`), then `proved` or `problem`. MXNet may
abort or hang on a GPU that it does not fit, so only a caller with a time-out should start it
(`pipeline.probe_child`).

The path on a GPU was not measured on a GPU: refusals were, and the computation on the CPU.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from pipeline.cuda_driver import DriverProbe, choose_gpu, gpu_problem, probe_driver
from pipeline.device import Device, contexts, parse_device
from pipeline.errors import MXNetUnavailable

ALL_GPUS = "gpus"
TELLING = ("Check failed", "Error in", "MXNetError: ")
IMAGES, CHANNELS, SIDE, FILTERS, KERNEL = 8, 3, 32, 4, 3
OUTPUT_SIDE = SIDE - KERNEL + 1


def check(which: str, kvstore: str = "device") -> Iterator[dict[str, Any]]:
    """Yield the facts about `which` device as soon as they are known: the next step may be the last."""
    if which.startswith("cpu"):
        yield from _compute(Device(which), kvstore)
        return
    probe = probe_driver()
    yield {"driver": asdict(probe)}
    numbers, problem = _chosen(probe, which)
    if problem:
        yield {"problem": problem}
    else:
        yield from _compute(Device(f"gpu:{','.join(map(str, numbers))}"), kvstore)


def _chosen(probe: DriverProbe, which: str) -> tuple[list[int], str | None]:
    """Return the GPUs to try, or why one of them cannot be."""
    if which == ALL_GPUS:
        wanted = [index for index, gpu in enumerate(probe.gpus) if gpu_problem(gpu) is None]
    else:
        wanted = list(parse_device(which)[1])
    chosen = [choose_gpu(probe, index) for index in wanted or (None,)]
    problems = [problem for _, problem in chosen if problem]
    return [index for index, _ in chosen if index is not None], problems[0] if problems else None


def _compute(device: Device, kvstore: str) -> Iterator[dict[str, Any]]:
    try:
        from pipeline.runtime import mx
    except MXNetUnavailable as error:
        cause = f"MXNet cannot be imported ({error.__cause__}); `cli.py doctor` has a line for each library"
        yield {"problem": cause if error.__cause__ else str(error)}
        return
    yield {"mxnet": mx.__version__}
    problem = _problem(mx, device, kvstore)
    yield {"problem": problem} if problem else {"proved": device.name}


def _problem(mx: Any, device: Device, kvstore: str) -> str | None:
    """Return what is wrong with a device, or with the first of several that does not compute."""
    steps = [(str(context), partial(_wrong_result, mx, context)) for context in contexts(device)]
    for name, step in (*steps, (device.name, partial(_wrong_sum, mx, contexts(device), kvstore))):
        try:
            problem = step()
        except mx.MXNetError as error:
            problem = f"MXNet cannot compute on {name} ({_first_line(str(error))})"
        if problem:
            return problem
    return None


def _wrong_result(mx: Any, context: Any) -> str | None:
    """Train one convolution of ones over ones; return what is wrong with the output or the gradient."""
    if context.device_type == "gpu" and mx.context.num_gpus() <= context.device_id:
        return f"MXNet sees {mx.context.num_gpus()} GPUs, so none has the number {context.device_id}"
    images = mx.nd.ones((IMAGES, CHANNELS, SIDE, SIDE), ctx=context)
    weight = mx.nd.ones((FILTERS, CHANNELS, KERNEL, KERNEL), ctx=context)
    weight.attach_grad()
    with mx.autograd.record():
        output = mx.nd.Convolution(images, weight, kernel=(KERNEL, KERNEL), num_filter=FILTERS, no_bias=True)
    output.backward()
    # Sums of ones are exact in every float format that a GPU may choose here.
    right = bool((output.asnumpy() == CHANNELS * KERNEL**2).all())
    right = right and bool((weight.grad.asnumpy() == IMAGES * OUTPUT_SIDE**2).all())
    return None if right else f"MXNet computes wrong numbers on {context}; use --device cpu"


def _wrong_sum(mx: Any, devices: Sequence[Any], kvstore: str) -> str | None:
    """Let several devices add up what they have, as gradients are; return what is wrong with the sum."""
    if len(devices) == 1:
        return None
    store = mx.kv.create(kvstore)
    values = [mx.nd.ones((SIDE, SIDE), ctx=device) for device in devices]
    store.init(0, values[0])
    store.pushpull(0, values)
    right = all(bool((value.asnumpy() == len(devices)).all()) for value in values)
    names = ", ".join(map(str, devices))
    mend = "use another kvstore, or one device"
    return None if right else f"{names} add up wrong numbers by kvstore = {kvstore!r}; {mend}"


def _first_line(text: str) -> str:
    """Return the line of an MXNet error that says what failed; the rest is a stack trace."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(sign in line for sign in TELLING)]
    return (telling or lines or ["no message"])[0]


def main(arguments: list[str]) -> int:
    """Print the facts as JSON lines; return 0 if the device was proved usable, else 1."""
    fact: dict[str, Any] = {}
    for fact in check(*arguments):
        print(json.dumps(fact), flush=True)
    return 0 if "proved" in fact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
