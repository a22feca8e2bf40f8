"""torchvision's ResNets as Gluon blocks, equal in their logits to the originals.

With 18 and 34 layers they are those of Gluon's model zoo, version 1. With more, a stage becomes smaller in
the 3x3 convolution of its first block, not in the 1x1 convolution before it, and no convolution has a bias:
what NVIDIA calls ResNet V1.5, and GluonCV v1b.
"""

from typing import Any

from pipeline.classifier import ImageClassifier, assemble, flattened
from pipeline.runtime import mx

nn = mx.gluon.nn
zoo = mx.gluon.model_zoo.vision.resnet

FIRST_STAGE = 4  # among the features, after convolution, normalisation, ReLU and pooling


class Bottleneck(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Narrow by a 1x1 convolution, a 3x3 convolution with the stride, widen again; add the input.

    The parameters are those of the zoo's residual blocks, and have the same order in `body`.
    """

    def __init__(
        self, channels: int, stride: int, downsample: bool = False, in_channels: int = 0, **options: Any
    ) -> None:
        super().__init__(**options)
        narrow = channels // 4
        self.body = nn.HybridSequential(prefix="")
        self.body.add(
            *_unit(narrow, in_channels), nn.Activation("relu"),
            *_unit(narrow, narrow, kernel=3, stride=stride), nn.Activation("relu"),
            *_unit(channels, narrow),
        )  # fmt: skip
        self.downsample = None
        if downsample:
            self.downsample = nn.HybridSequential(prefix="")
            self.downsample.add(*_unit(channels, in_channels, stride=stride))

    def hybrid_forward(self, F, x):  # type: ignore[no-untyped-def]  # noqa: N803 (Gluon's own name)
        """Return (N, channels, ceil(H / stride), ceil(W / stride))."""
        beside = self.downsample(x) if self.downsample else x
        return F.Activation(self.body(x) + beside, act_type="relu")


def _unit(channels: int, in_channels: int, *, kernel: int = 1, stride: int = 1) -> tuple[Any, Any]:
    """Return a convolution and its normalisation, in the current name scope."""
    convolution = nn.Conv2D(channels, kernel, stride, kernel // 2, use_bias=False, in_channels=in_channels)
    return convolution, nn.BatchNorm()


def build_resnet(depth: int, size: int, classes: int, *, prefix: str | None = None) -> ImageClassifier:
    """Return an uninitialised classifier on the features of torchvision's ResNet of `depth` layers."""
    kind, blocks, channels = zoo.resnet_spec[depth]
    block = zoo.BasicBlockV1 if kind == "basic_block" else Bottleneck
    prefix = prefix or f"resnet{depth}_tv_"
    features = zoo.ResNetV1(block, blocks, channels, prefix=prefix).features
    return assemble(flattened(features), classes, size, prefix)
