"""Prove that MXNet computes on a device, in a process of its own: `python -m pipeline.device_check WHICH`.

WHICH is `cpu`, the number of a GPU, or `any` for the first GPU that MXNet has code for. The process asks the
driver, imports MXNet, and trains one convolution for one step, whose results are known exactly. It prints
lines of JSON: `driver` (see `pipeline.cuda_driver`), then `proved` or `problem`. MXNet may abort or hang on
a GPU that it does not fit, so only a caller with a time-out should start it (`pipeline.probe_child`).

The path on a GPU was not measured on a GPU: refusals were, and the computation on the CPU.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipeline.cuda_driver import choose_gpu, probe_driver
from pipeline.errors import MXNetUnavailable

IMAGES, CHANNELS, SIDE, FILTERS, KERNEL = 8, 3, 32, 4, 3
OUTPUT_SIDE = SIDE - KERNEL + 1


def check(which: str) -> Iterator[dict[str, Any]]:
    """Yield the facts about `which` device as soon as they are known: the next step may be the last."""
    if which == "cpu":
        yield from _compute("cpu", 0)
        return
    probe = probe_driver()
    yield {"driver": asdict(probe)}
    index, problem = choose_gpu(probe, None if which == "any" else int(which))
    if index is None:
        yield {"problem": problem}
    else:
        yield from _compute("gpu", index)


def _compute(kind: str, index: int) -> Iterator[dict[str, Any]]:
    try:
        from pipeline.runtime import mx
    except MXNetUnavailable as error:
        cause = f"MXNet cannot be imported ({error.__cause__}); `cli.py doctor` has a line for each library"
        yield {"problem": cause if error.__cause__ else str(error)}
        return
    yield {"mxnet": mx.__version__}
    try:
        problem = _wrong_result(mx, mx.Context(kind, index))
    except mx.MXNetError as error:
        problem = f"MXNet cannot compute on {kind}:{index} ({_first_line(str(error))})"
    name = "cpu" if kind == "cpu" else f"gpu:{index}"
    yield {"problem": problem} if problem else {"proved": name}


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


def _first_line(text: str) -> str:
    """Return the line of an MXNet error that says what failed; the rest is a stack trace."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "Check failed" in line or "Error in" in line]
    return (telling or lines or ["no message"])[0]


def main(arguments: list[str]) -> int:
    """Print the facts as JSON lines; return 0 if the device was proved usable, else 1."""
    fact: dict[str, Any] = {}
    for fact in check(arguments[0]):
        print(json.dumps(fact), flush=True)
    return 0 if "proved" in fact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
