"""EfficientNet-Lite 0 to 2 as Gluon blocks, equal in its logits to the original.

The architecture is that of EfficientNet (Tan and Le, 2019, https://arxiv.org/abs/1905.11946) in its Lite
form: no squeeze-and-excitation, ReLU6, and stem, head, first and last stage are not scaled. It was trained
in TensorFlow, whose SAME padding puts the odd row and column at the bottom and at the right. With padding
that is equal on both sides the pretrained logits are wrong by several units.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.classifier import ImageClassifier, assemble
from pipeline.runtime import mx

nn = mx.gluon.nn

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
EPSILON = 1e-3  # of batch normalisation, as in training


@dataclass(frozen=True)
class Variant:
    """How a member of the family is scaled."""

    width: float  # factor on the channels
    depth: float  # factor on the repeats of a stage
    size: int  # pixels; SAME padding depends on the parity of each layer's input


VARIANTS = {
    "efficientnet_lite0": Variant(1.0, 1.0, 224),
    "efficientnet_lite1": Variant(1.0, 1.1, 240),
    "efficientnet_lite2": Variant(1.1, 1.2, 260),
}


@dataclass(frozen=True)
class Stage:
    """Some equal blocks in a row; only the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True)
class BlockShape:
    """One inverted residual block."""

    size: int  # pixels of its input
    in_channels: int
    channels: int
    expansion: int
    kernel: int
    stride: int


def block_shapes(variant: Variant) -> Iterator[BlockShape]:
    """Yield the blocks of a variant, from the stem to the head."""
    size, in_channels = math.ceil(variant.size / 2), STEM_CHANNELS
    for stage, repeats in zip(STAGES, stage_repeats(variant), strict=True):
        channels = _scaled_channels(stage.channels, variant.width)
        for repeat in range(repeats):
            stride = stage.stride if repeat == 0 else 1
            yield BlockShape(size, in_channels, channels, stage.expansion, stage.kernel, stride)
            size, in_channels = math.ceil(size / stride), channels


def stage_repeats(variant: Variant) -> list[int]:
    """Return the number of blocks of each stage; the first and the last stage are not scaled."""
    scaled = [math.ceil(stage.repeats * variant.depth) for stage in STAGES]
    return [STAGES[0].repeats, *scaled[1:-1], STAGES[-1].repeats]


def _scaled_channels(channels: int, width: float) -> int:
    """Return the multiple of 8 nearest to the scaled number, but not more than 10 % below it."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * scaled else rounded + 8


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's SAME padding (before, after) of one axis of `size` pixels."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ReLU6(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Clip to 0..6."""

    def hybrid_forward(self, F, x):  # type: ignore[no-untyped-def]  # noqa: N803 (Gluon's own name)
        """Return x clipped to 0..6, in its shape."""
        return F.clip(x, 0, 6)


class SameConv2D(mx.gluon.nn.Conv2D):  # type: ignore[misc]
    """A convolution without bias and with SAME padding, for inputs of `size` x `size` pixels.

    In its training form a 5x5 depthwise convolution is the sum of two that are 3 and 2 wide. That is the
    same function, but oneDNN has fast code for the weights' gradient only up to a width of 3.
    """

    training_form = False  # counts when a graph is compiled, see `in_training_form`

    def __init__(self, channels: int, kernel: int, size: int, stride: int = 1, groups: int = 1) -> None:
        before, after = same_padding(size, kernel, stride)
        super().__init__(channels, kernel, stride, before, groups=groups, use_bias=False)
        # A convolution pads both sides alike: the one row and column more are added by themselves.
        more = after - before
        self._pad_width = (0, 0, 0, 0, 0, more, 0, more) if more else None
        self._before, self._more = before, more
        self._padded_size = size + before + after
        self._is_wide = groups > 1 and kernel == 5

    def hybrid_forward(self, F, x, weight, bias=None):  # type: ignore[no-untyped-def]  # noqa: N803
        """Return (N, channels, ceil(size / stride), ceil(size / stride))."""
        if self.training_form and self._is_wide:
            return self._in_two(F, x, weight)
        if self._pad_width:
            x = F.pad(x, mode="constant", pad_width=self._pad_width, constant_value=0)
        return super().hybrid_forward(F, x, weight, bias)

    def _in_two(self, F: Any, x: Any, weight: Any) -> Any:  # noqa: N803
        """Add the convolutions with the weight's columns 0..2 and 3..4."""
        columns = (self._before, self._before + self._more)
        x = F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 0, self._more, *columns), constant_value=0)
        left = self._part(F, x, weight, (0, self._padded_size - 2), (0, 3))
        return left + self._part(F, x, weight, (3, self._padded_size), (3, 5))

    def _part(
        self,
        F: Any,  # noqa: N803
        x: Any,
        weight: Any,
        of_x: tuple[int, int],
        of_weight: tuple[int, int],
    ) -> Any:
        options = {**self._kwargs, "kernel": (5, of_weight[1] - of_weight[0]), "pad": (self._before, 0)}
        x = F.slice_axis(x, axis=3, begin=of_x[0], end=of_x[1])
        return F.Convolution(x, F.slice_axis(weight, axis=3, begin=of_weight[0], end=of_weight[1]), **options)


def _unit(convolution: SameConv2D, momentum: float, *, is_linear: bool = False) -> Any:
    """Return convolution, normalisation and, unless linear, ReLU6, in the current name scope."""
    unit = nn.HybridSequential()
    unit.add(convolution, nn.BatchNorm(momentum=momentum, epsilon=EPSILON))
    if not is_linear:
        unit.add(ReLU6())
    return unit


class InvertedResidual(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Widen by a 1x1 convolution, convolve each channel by itself, narrow again; add the input if it fits."""

    def __init__(self, shape: BlockShape, momentum: float) -> None:
        super().__init__()
        wide = shape.in_channels * shape.expansion
        out_size = math.ceil(shape.size / shape.stride)
        self._adds_input = shape.stride == 1 and shape.in_channels == shape.channels
        with self.name_scope():
            self.body = nn.HybridSequential()
            if shape.expansion != 1:
                self.body.add(_unit(SameConv2D(wide, 1, shape.size), momentum))
            depthwise = SameConv2D(wide, shape.kernel, shape.size, shape.stride, groups=wide)
            self.body.add(_unit(depthwise, momentum))
            self.body.add(_unit(SameConv2D(shape.channels, 1, out_size), momentum, is_linear=True))

    def hybrid_forward(self, F, x):  # type: ignore[no-untyped-def]  # noqa: N803 (Gluon's own name)
        """Return (N, channels, ceil(H / stride), ceil(W / stride))."""
        return self.body(x) + x if self._adds_input else self.body(x)


def build_efficientnet(
    name: str, classes: int, *, prefix: str | None = None, momentum: float = 0.9
) -> ImageClassifier:
    """Return an uninitialised classifier on EfficientNet-Lite features, (N, 1280) after pooling.

    The original drops out a fifth to a third of the pooled features in training. That is left out: the
    features must be the same each time they are computed, since they are cached, and the head that is
    fitted on them has its own regularisation. `momentum` is Gluon's: the share of the old running
    statistics that a batch keeps. The original's 0.99 suits 100,000s of batches; a short training would be
    judged on statistics that have not settled.
    """
    variant, prefix = VARIANTS[name], prefix or f"{name}_"
    shapes = list(block_shapes(variant))
    features = nn.HybridSequential(prefix=f"{prefix}features_")
    with features.name_scope():
        features.add(_unit(SameConv2D(STEM_CHANNELS, 3, variant.size, 2), momentum))
        features.add(*(InvertedResidual(shape, momentum) for shape in shapes))
        features.add(_unit(SameConv2D(HEAD_CHANNELS, 1, shapes[-1].size), momentum))
        features.add(nn.GlobalAvgPool2D(), nn.Flatten())
    return assemble(features, classes, variant.size, prefix)
