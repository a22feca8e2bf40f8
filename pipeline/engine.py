"""Choose what computes a frozen forward pass: ONNX Runtime where it gives MXNet's numbers, else MXNet.

ONNX Runtime runs networks of depthwise convolutions several times faster than MXNet, and plain residual
networks about as fast. It counts only after both have computed the same images of the run at hand.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.evaluate import Forward
from pipeline.network import forward_of

# The largest difference that counts as the same, as a share of the largest value. Rounding differs by some
# 1e-6 of it over all backbones; a network that was changed differs by far more.
AGREEMENT = 1e-5
# So much longer ONNX Runtime must take before MXNet is preferred. A small difference in time is not worth
# another set of features, and noise in the timing must not decide which one is used.
CLEARLY_SLOWER = 1.5


@dataclass(frozen=True)
class Trial:
    """What came of running the same images on both engines."""

    forward: Forward | None  # ONNX Runtime's; None: MXNet is to be used
    sentence: str  # which engine, and why
    lasting: bool  # whether the next run would find the same
    model: bytes | None = None  # what ONNX Runtime runs, in ONNX


def try_onnxruntime(block: Any, sample: Array, device: Any, *, timed: bool) -> Trial:
    """Run a block on ONNX Runtime and on MXNet, and compare.

    Args:
        block: the frozen layers.
        sample: some normalised images of the run, float32 (N, 3, S, S).
        device: an `mx.Context`, the CPU.
        timed: whether ONNX Runtime has to be about as fast, too.
    """
    mxnet = forward_of(block, device)
    try:
        model, forward, name = _onnxruntime(block, sample.shape[-1])
        return replace(compare(forward, mxnet, sample, name, timed=timed), model=model)
    except Exception as error:  # whatever fails here, of an export or an engine: MXNet can do the work
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Trial(None, f"MXNet, since ONNX Runtime failed: {reason}", lasting=False)


def compare(forward: Forward, mxnet: Forward, sample: Array, name: str, *, timed: bool) -> Trial:
    """Judge an engine called `name` by what it and MXNet make of a sample, and how long they take."""
    difference, largest = _difference(forward(sample), mxnet(sample))
    facts = f"by at most {difference:.1e} on {_images(len(sample))} (largest value {largest:.2g})"
    if not difference <= AGREEMENT * largest:
        return Trial(None, f"MXNet, since {name} differs from it {facts}", lasting=True)
    if timed and _seconds(forward, sample) > CLEARLY_SLOWER * _seconds(mxnet, sample):
        return Trial(None, f"MXNet, since {name} is clearly slower here", lasting=True)
    return Trial(forward, f"{name}, differs from MXNet {facts}", lasting=True)


def _onnxruntime(block: Any, size: int) -> tuple[bytes, Forward, str]:
    # Imported here, so that a package that is missing or broken is one more reason for MXNet.
    from pipeline.onnx_export import export_onnx
    from pipeline.onnx_runtime import open_model, runtime_version

    model = export_onnx(block, size)
    return model, open_model(model), f"ONNX Runtime {runtime_version()}"


def _difference(computed: Array, expected: Array) -> tuple[float, float]:
    """Return the largest difference, infinite for another shape, and the largest expected value."""
    largest = float(np.abs(expected).max())
    if computed.shape != expected.shape:
        return float("inf"), largest
    return float(np.abs(computed - expected).max()), largest


def _seconds(forward: Forward, sample: Array) -> float:
    """Return how long a pass takes; the first one, which prepares memory, has been made already."""
    started = time.perf_counter()
    forward(sample)
    return time.perf_counter() - started


def _images(number: int) -> str:
    return f"{number:,} image{'' if number == 1 else 's'}"
