"""The backbone `tiny`: a network so small that a whole cycle with it takes a second or two.

It is for tests of all else, in this process and in others: everything but the network is the real program.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline import backbones
from pipeline.records import Preprocessing

NAME = "tiny"
SIZE = 32  # of the images that it sees
FEATURES = 32
REPOSITORY = Path(__file__).resolve().parent.parent
SITE = REPOSITORY / "tests" / "tiny_site"  # in PYTHONPATH, it adds the backbone to a Python that starts
WEIGHTS_VARIABLE = "TINY_WEIGHTS"


def write_weights(gluons_cache: Path) -> Path:
    """Write "pretrained" weights, which are seeded noise, where Gluon would keep them; return their file."""
    from pipeline.runtime import mx

    file = gluons_cache / "models" / "tiny.params"
    file.parent.mkdir(parents=True)
    mx.random.seed(0)
    network = build(2)
    network.initialize(mx.init.Xavier())
    network.save_parameters(str(file))
    return file


def build(classes: int, *, prefix: str | None = None) -> Any:
    """Return two convolutions, a last stage of one more, and a last layer."""
    from pipeline.classifier import assemble
    from pipeline.runtime import mx

    nn = mx.gluon.nn
    features = nn.HybridSequential(prefix=prefix or "tiny_")
    with features.name_scope():
        for channels in (8, 16):
            features.add(nn.Conv2D(channels, 3, strides=2, padding=1, use_bias=False))
            features.add(nn.BatchNorm())
            features.add(nn.Activation("relu"))
        features.add(nn.Conv2D(FEATURES, 3, padding=1), nn.Activation("relu"))
        features.add(nn.GlobalAvgPool2D(), nn.Flatten())
    return assemble(features, classes, SIZE, prefix or "tiny_")


def with_tiny(weights: Path) -> Mapping[str, backbones.Backbone]:
    """Return the backbones on offer and this one."""
    tiny = backbones.Backbone(
        name=NAME,
        build=build,
        tail_start=6,
        preprocessing=Preprocessing(SIZE, "squash", SIZE, "bilinear", (0.5,) * 3, (0.5,) * 3),
        weights=backbones.WeightsSource(weights.name, "sha256", _sha256(weights), package=None),
        licence="drawn at random",
        has_relu6=False,
    )
    return MappingProxyType({**backbones.BACKBONES, NAME: tiny})


def in_gluons_cache(weights: Path) -> dict[str, str]:
    """Return the variable of the environment by which the program finds the weights."""
    return {"MXNET_HOME": str(weights.parent.parent)}


def environment(weights: Path) -> dict[str, str]:
    """Return what a process needs in its environment to know the backbone and find its weights."""
    paths = os.pathsep.join((str(SITE), str(REPOSITORY)))
    return {"PYTHONPATH": paths, WEIGHTS_VARIABLE: str(weights), **in_gluons_cache(weights)}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
