"""How the parameters of our networks are called in files that were made with PyTorch."""

from collections.abc import Iterable, Iterator

from pipeline.efficientnet import STAGES, VARIANTS, stage_repeats
from pipeline.pretrained.names import Naming
from pipeline.resnet import FIRST_STAGE, zoo

NORM_NAMES = {
    "gamma": "weight",
    "beta": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}
# Convolution and normalisation of each part of a block, first as the original names them, then as timm does.
ORIGINAL_PARTS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
TIMM_PARTS = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
TIMM_FIRST_PARTS = (("conv_dw", "bn1"), ("conv_pw", "bn2"))  # of a block that does not widen

# Our convolution and normalisation, then theirs.
Unit = tuple[str, str, str, str]


def lite_namings(name: str) -> tuple[Naming, ...]:
    """Return the names of an EfficientNet-Lite: in the original in PyTorch, and in timm's `tf_` networks."""
    original, timm = _features(_original_units(name)), _features(_timm_units(name))
    return (
        Naming("efficientnet_lite_pytorch's", original, (("_fc.weight", "_fc.bias"),)),
        Naming("timm's", timm, (("classifier.weight", "classifier.bias"),)),
    )


def torchvision_namings(depth: int) -> tuple[Naming, ...]:
    """Return the names of a ResNet in torchvision; timm has the same."""
    return (Naming("torchvision's", _features(_resnet_units(depth)), (("fc.weight", "fc.bias"),)),)


def _features(units: Iterable[Unit]) -> dict[str, str]:
    names = {}
    for convolution, norm, their_convolution, their_norm in units:
        names[f"features.{convolution}.weight"] = f"{their_convolution}.weight"
        for ours, theirs in NORM_NAMES.items():
            names[f"features.{norm}.{ours}"] = f"{their_norm}.{theirs}"
    return names


def _original_units(name: str) -> Iterator[Unit]:
    yield "0.0", "0.1", "_conv_stem", "_bn0"
    for index, (stage, _) in enumerate(_blocks(name)):
        parts = ORIGINAL_PARTS if STAGES[stage].expansion != 1 else ORIGINAL_PARTS[1:]
        yield from _block_units(index, f"_blocks.{index}", parts)
    yield *_head(name), "_conv_head", "_bn1"


def _timm_units(name: str) -> Iterator[Unit]:
    yield "0.0", "0.1", "conv_stem", "bn1"
    for index, (stage, block) in enumerate(_blocks(name)):
        parts = TIMM_PARTS if STAGES[stage].expansion != 1 else TIMM_FIRST_PARTS
        yield from _block_units(index, f"blocks.{stage}.{block}", parts)
    yield *_head(name), "conv_head", "bn2"


def _blocks(name: str) -> list[tuple[int, int]]:
    """Return of each block its stage, and its place there."""
    return [
        (stage, block)
        for stage, repeats in enumerate(stage_repeats(VARIANTS[name]))
        for block in range(repeats)
    ]


def _head(name: str) -> tuple[str, str]:
    after_blocks = len(_blocks(name)) + 1
    return f"{after_blocks}.0", f"{after_blocks}.1"


def _block_units(index: int, their_block: str, parts: Iterable[tuple[str, str]]) -> Iterator[Unit]:
    for position, (convolution, norm) in enumerate(parts):
        ours = f"{index + 1}.body.{position}"
        yield f"{ours}.0", f"{ours}.1", f"{their_block}.{convolution}", f"{their_block}.{norm}"


def _resnet_units(depth: int) -> Iterator[Unit]:
    kind, blocks, channels = zoo.resnet_spec[depth]
    convolutions = 2 if kind == "basic_block" else 3
    yield "0", "1", "conv1", "bn1"
    for stage, block in ((stage, block) for stage, count in enumerate(blocks) for block in range(count)):
        ours, theirs = f"{FIRST_STAGE + stage}.{block}", f"layer{stage + 1}.{block}"
        for n in range(convolutions):
            body = f"{ours}.body"
            yield f"{body}.{3 * n}", f"{body}.{3 * n + 1}", f"{theirs}.conv{n + 1}", f"{theirs}.bn{n + 1}"
        if block == 0 and channels[stage] != channels[stage + 1]:
            ours, theirs = f"{ours}.downsample", f"{theirs}.downsample"
            yield f"{ours}.0", f"{ours}.1", f"{theirs}.0", f"{theirs}.1"
