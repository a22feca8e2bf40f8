"""The precision in which all layers are trained, and where each may be asked for."""

from typing import Literal

from pipeline.backbones import Backbone
from pipeline.device import Device
from pipeline.errors import BadSettings

Precision = Literal["float32", "bfloat16", "float16"]

BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def check_precision(precision: Precision, backbone: Backbone, device: Device, flags: frozenset[str]) -> None:
    """Refuse a precision that the device cannot compute in, or that makes the network train slower.

    Args:
        precision: as the recipe says.
        backbone: what would be trained.
        device: where it would be trained.
        flags: of the processor, see `processor_flags`.

    Raises:
        BadSettings: with the reason.
    """
    problem = _problem(precision, backbone, device, flags)
    if problem:
        raise BadSettings(f"precision = {precision!r} cannot be used: {problem}")


def _problem(precision: Precision, backbone: Backbone, device: Device, flags: frozenset[str]) -> str | None:
    on_cpu = device.kind == "cpu"
    if precision == "float16" and on_cpu:
        return "MXNet computes in float16 on GPUs only; use float32, or bfloat16 where the processor has it"
    if precision != "bfloat16":
        return None
    if not on_cpu:
        return f"it is for processors; use float16 or float32 on {device.name}"
    if not flags & BFLOAT16_FLAGS:
        return f"this processor has none of {', '.join(sorted(BFLOAT16_FLAGS))}; use float32"
    if backbone.has_relu6:
        return (
            f"MXNet computes the ReLU6 of {backbone.name} so slowly in it that training takes longer than in "
            "float32; use float32, or a backbone such as resnet18_v2"
        )
    return None
