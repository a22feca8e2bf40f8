"""Class activation maps from the ONNX file of a published network."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.backbones import backbone_named
from pipeline.errors import WeightsError
from pipeline.evidence import map_values
from pipeline.heat_maps import open_evidence
from pipeline.manifest import ONNX
from pipeline.network import scratch_network
from pipeline.onnx_evidence import open_onnx_evidence
from pipeline.runtime import mx
from pipeline.trained_model import open_trained
from tests.pipeline.published import publish

SIDE = 64
FAMILIES = ("efficientnet_lite0", "mobilenet0.25", "mobilenetv2_0.25", "resnet18_v1", "resnet18_v2")


def noise(count: int) -> Any:
    return np.random.default_rng(0).standard_normal((count, 3, SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize(("name", "flip"), [*((name, False) for name in FAMILIES), ("resnet18_v2", True)])
def test_it_is_what_mxnet_makes_of_the_same_network(name: str, flip: bool, tmp_path: Path) -> None:
    backbone = backbone_named(name)
    small = replace(backbone, preprocessing=replace(backbone.preprocessing, size=SIDE, short_side=SIDE + 8))
    network = scratch_network(small, 2, mx.cpu(), 0)
    network.output.bias.set_data(mx.nd.array([0.25, -0.5]))
    publish(tmp_path / "run", network, preprocessing=small.preprocessing, test_time_flip=flip)
    model, images = open_onnx_evidence(tmp_path / "run"), noise(2)
    assert model is not None
    found = model.evidence(images)
    expected = open_evidence(tmp_path / "run", mx.cpu()).evidence(images)
    assert found == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())
    logits = open_trained(tmp_path / "run").forward(images)
    assert found.mean(axis=(2, 3)) + model.bias == pytest.approx(logits, abs=1e-4 * np.abs(logits).max())
    assert (model.classes, model.preprocessing.size) == (("cat", "dog"), SIDE)


def ending(*layers: Any) -> Any:
    network = mx.gluon.nn.HybridSequential()
    network.add(mx.gluon.nn.Conv2D(4, 3), *layers)
    network.initialize()
    network.hybridize()
    network(mx.nd.array(noise(1)))
    return network


@pytest.mark.parametrize(
    "layers",
    [
        ("GlobalMaxPool2D", "Dense"),
        ("Dense",),
        ("GlobalAvgPool2D", "Flatten"),
    ],
)
def test_a_network_of_another_shape_has_none(layers: tuple[str, ...], tmp_path: Path) -> None:
    nn = mx.gluon.nn
    network = ending(*(nn.Dense(2) if name == "Dense" else getattr(nn, name)() for name in layers))
    publish(tmp_path / "run", network)
    assert (tmp_path / "run" / ONNX).is_file()
    assert open_onnx_evidence(tmp_path / "run") is None


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    publish(tmp_path / "run", ending(mx.gluon.nn.GlobalAvgPool2D(), mx.gluon.nn.Dense(2)))
    assert open_onnx_evidence(tmp_path / "run") is not None
    (tmp_path / "run" / ONNX).write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="has changed since it was written"):
        open_onnx_evidence(tmp_path / "run")


@pytest.mark.parametrize(
    ("evidence", "values"),
    [
        ([[0.0, 1.0], [2.0, -3.0]], [0, 128, 255, 0]),
        ([[-1.0, -2.0]], [0, 0]),
        ([[0.0]], [0]),
        ([[1e-30, 2e-30]], [128, 255]),
    ],
)
def test_a_map_is_scaled_to_its_own_most(evidence: list[list[float]], values: list[int]) -> None:
    assert list(map_values(np.array(evidence, np.float32))) == values
