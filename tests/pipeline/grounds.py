"""What the tests of judging and of searching settings share: a tiny network on made-up activations."""

from hashlib import sha256
from typing import Any

import numpy as np

from pipeline.cross_validation import Ground
from pipeline.features import Features
from pipeline.records import SnapshotImage
from pipeline.runtime import mx
from tests.pipeline.training import AROUND

CLASSES = ("cat", "dog")
IMAGES = 64


class Tiny(mx.gluon.HybridBlock):  # type: ignore[misc]
    """A last stage of two layers, and a head."""

    def __init__(self) -> None:
        super().__init__()
        nn = mx.gluon.nn
        self.features = nn.HybridSequential()
        self.features.add(nn.Conv2D(8, 1, activation="relu", in_channels=4), nn.GlobalAvgPool2D())
        self.features.add(nn.Flatten())
        self.output = nn.Dense(len(CLASSES), in_units=8)


def made_ground() -> Ground:
    """Return activations of 64 images, half of each class, that nearly tell the classes apart."""
    random = np.random.default_rng(5)
    labels = np.arange(IMAGES) % 2
    boundary = random.normal(size=(IMAGES, 4, 2, 2)).astype(np.float32)
    boundary[:, 0] += 1.5 * labels[:, None, None]
    network = _network()
    pooled = network.features(mx.nd.array(boundary)).asnumpy()
    images = tuple(
        SnapshotImage(sha256(f"{n}".encode()).hexdigest(), CLASSES[label], "train", b"x")
        for n, label in enumerate(labels)
    )
    return Ground(network, network.features, Features(images, labels, pooled, boundary), CLASSES, AROUND)


def _network() -> Any:
    mx.random.seed(3)
    network = Tiny()
    network.initialize(mx.init.Xavier())
    return network
