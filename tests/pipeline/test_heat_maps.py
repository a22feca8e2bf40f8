"""Where published networks see a class."""

import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.backbones import BACKBONES, Backbone
from pipeline.bundle import load_model
from pipeline.errors import WeightsError
from pipeline.evaluate import over_mirrors
from pipeline.heat_maps import heat_maps, open_evidence
from pipeline.network import forward_of, scratch_network
from pipeline.publish import sha256_of
from pipeline.records import SnapshotImage
from pipeline.runtime import mx
from tests.pipeline.pictures import save_picture
from tests.pipeline.training import small_backbone

BIAS = [0.5, -0.25]


def write(network: Any, folder: Path, backbone: Backbone) -> None:
    """Write a network as a published one, without the ONNX form, which takes long and is not used here."""
    folder.mkdir()
    network.export(str(folder / "network"))
    hashes = {file.name: sha256_of(file) for file in folder.iterdir()}
    manifest = {"classes": ["cat", "dog"], "preprocessing": asdict(backbone.preprocessing), "sha256": hashes}
    (folder / "model.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", BACKBONES)
def test_the_mean_evidence_and_the_bias_are_the_logit_for_every_backbone(name: str, tmp_path: Path) -> None:
    backbone = BACKBONES[name]
    network = scratch_network(backbone, 2, mx.cpu(), 0)
    write(network, tmp_path / "run", backbone)
    size = backbone.preprocessing.size
    images = np.random.default_rng(0).normal(size=(1, 3, size, size)).astype(np.float32)
    logits = forward_of(network, mx.cpu())(images)
    evidence = open_evidence(tmp_path / "run", mx.cpu()).evidence(images)
    assert min(evidence.shape[2:]) >= 7
    assert evidence.mean(axis=(2, 3)) == pytest.approx(logits, abs=1e-4 * np.abs(logits).max())


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a published network, for small images, whose bias counts."""
    folder = tmp_path_factory.mktemp("published") / "run"
    backbone = replace(BACKBONES["resnet18_v2"], preprocessing=small_backbone().preprocessing)
    network = scratch_network(backbone, 2, mx.cpu(), 0)
    network.output.bias.set_data(mx.nd.array(BIAS))
    write(network, folder, backbone)
    return folder


def test_the_bias_is_no_evidence(published: Path) -> None:
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    model = open_evidence(published, mx.cpu())
    assert model.bias == pytest.approx(BIAS)
    means = model.evidence(images).mean(axis=(2, 3))
    logits = forward_of(load_model(published, mx.cpu()).network, mx.cpu())(images)
    assert means + np.array(BIAS) == pytest.approx(logits, abs=1e-5)
    assert np.abs(means).max() > 0.05, "the evidence counts beside the bias"


def test_with_a_test_time_flip_the_evidence_is_still_that_of_the_logits(published: Path) -> None:
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    flipped = replace(open_evidence(published, mx.cpu()), test_time_flip=True)
    expected = over_mirrors(forward_of(load_model(published, mx.cpu()).network, mx.cpu()))(images)
    evidence = flipped.evidence(images)
    assert evidence.mean(axis=(2, 3)) + np.array(BIAS) == pytest.approx(expected, abs=1e-5)
    assert flipped.evidence(images[..., ::-1]) == pytest.approx(evidence[..., ::-1], abs=1e-5)


def saved(folder: Path, number: int) -> SnapshotImage:
    path = folder / f"{number}.png"
    save_picture(path, number)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return SnapshotImage(content, "cat", "test", os.fsencode(path.name))


def test_a_map_is_scaled_to_its_own_most_evidence_and_an_image_that_vanished_has_none(
    published: Path, tmp_path: Path
) -> None:
    images = [saved(tmp_path, number) for number in range(11)]
    (tmp_path / "4.png").unlink()
    labels = ["cat" if number % 2 else "dog" for number in range(11)]
    maps = heat_maps(published, images, labels, tmp_path, mx.cpu())
    there = [(image.sha256, label) for image, label in zip(images, labels, strict=True)]
    del there[4]
    assert [(found.sha256, found.label) for found in maps] == there
    assert all(len(found.values) == found.width**2 == 4 for found in maps)
    assert {max(found.values) for found in maps} <= {0, 255}
    assert 255 in {max(found.values) for found in maps}


def test_a_damaged_model_and_one_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        heat_maps(tmp_path / "none", [], [], Path(), mx.cpu())
    network = mx.gluon.nn.HybridSequential()
    network.add(mx.gluon.nn.GlobalMaxPool2D(), mx.gluon.nn.Flatten(), mx.gluon.nn.Dense(2))
    network.initialize()
    network.hybridize()
    network(mx.nd.zeros((1, 3, 64, 64)))
    write(network, tmp_path / "other", small_backbone())
    with pytest.raises(WeightsError, match="does not end in global average pooling"):
        open_evidence(tmp_path / "other", mx.cpu())
