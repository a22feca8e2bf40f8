"""Where a lower precision may be asked for."""

import pytest

from pipeline.backbones import backbone_named
from pipeline.device import Device
from pipeline.errors import BadSettings
from pipeline.precision import check_precision

ABLE = frozenset({"avx2", "avx512_bf16"})


@pytest.mark.parametrize(
    ("precision", "backbone", "device", "flags"),
    [
        ("float32", "efficientnet_lite0", "cpu", frozenset()),
        ("float32", "resnet18_v2", "gpu:0", frozenset()),
        ("bfloat16", "resnet18_v2", "cpu", ABLE),
        ("bfloat16", "resnet50_v1", "cpu", frozenset({"amx_bf16"})),
        ("bfloat16", "mobilenet0.5", "cpu", ABLE),
        ("float16", "efficientnet_lite0", "gpu:1", frozenset()),
    ],
)
def test_what_can_be_used_is_let_through(
    precision: str, backbone: str, device: str, flags: frozenset[str]
) -> None:
    check_precision(precision, backbone_named(backbone), Device(device), flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("precision", "backbone", "device", "flags", "reason"),
    [
        ("float16", "resnet18_v2", "cpu", ABLE, "on GPUs only"),
        ("bfloat16", "resnet18_v2", "gpu:0", ABLE, "use float16 or float32 on gpu:0"),
        ("bfloat16", "resnet18_v2", "cpu", frozenset({"avx2"}), "none of amx_bf16, avx512_bf16"),
        ("bfloat16", "efficientnet_lite0", "cpu", ABLE, "ReLU6 of efficientnet_lite0"),
        ("bfloat16", "mobilenetv2_1.0", "cpu", ABLE, "ReLU6 of mobilenetv2_1.0"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_with_the_way_out(
    precision: str, backbone: str, device: str, flags: frozenset[str], reason: str
) -> None:
    with pytest.raises(BadSettings, match=f"^precision = '{precision}' cannot be used: .*{reason}.*"):
        check_precision(precision, backbone_named(backbone), Device(device), flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["efficientnet_lite0", "mobilenet0.25", "mobilenetv2_0.25", "resnet18_v1", "resnet50_v2"]
)
def test_the_record_of_a_backbone_knows_whether_it_has_relu6(name: str) -> None:
    from pipeline.runtime import mx

    backbone = backbone_named(name)
    assert backbone.has_relu6 == ('"op": "clip"' in backbone.build(2)(mx.sym.var("data")).tojson())
