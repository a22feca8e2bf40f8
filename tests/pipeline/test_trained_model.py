"""Models that come from anywhere."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import WeightsError
from pipeline.manifest import CARD, MANIFEST, ONNX
from pipeline.packed_model import pack
from pipeline.publish import sha256_of
from pipeline.trained_model import open_stranger, open_trained
from tests.pipeline.published import publish

IMAGES = np.random.default_rng(3).normal(size=(3, 3, 64, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model; read only."""
    return publish(tmp_path_factory.mktemp("published") / "run-0001")


@pytest.fixture
def model(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the model that a test may change."""
    return Path(shutil.copytree(published, tmp_path / "run-0001"))


def describe(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_folder_and_its_zip_file_say_the_same(model: Path, tmp_path: Path, form: str) -> None:
    pack(model, tmp_path / "model.zip")
    expected = open_trained(model)
    found = open_stranger(model if form == "folder" else tmp_path / "model.zip")
    assert (found.forward(IMAGES) == expected.forward(IMAGES)).all()
    assert (found.classes, found.preprocessing, found.temperature, found.run_id) == (
        ("cat", "dog"), expected.preprocessing, 1.25, 1
    )  # fmt: skip


def test_a_model_that_is_for_mxnet_alone_opens_from_its_zip_file_too(model: Path, tmp_path: Path) -> None:
    expected = open_trained(model).forward(IMAGES)
    hashes = json.loads((model / MANIFEST).read_text())["sha256"]
    describe(model, sha256={name: sha256 for name, sha256 in hashes.items() if name != ONNX})
    pack(model, tmp_path / "model.zip")
    assert open_stranger(tmp_path / "model.zip").forward(IMAGES) == pytest.approx(expected, abs=1e-4)


def test_a_model_of_before_it_had_a_format_opens(model: Path) -> None:
    expected = open_trained(model).forward(IMAGES)
    manifest = json.loads((model / MANIFEST).read_text())
    old = ("classes", "preprocessing", "temperature", "run", "backbone", "recipe", "snapshot", "sha256")
    (model / CARD).unlink()
    del manifest["sha256"][CARD]
    (model / MANIFEST).write_text(json.dumps({name: manifest[name] for name in old}))
    assert (open_stranger(model).forward(IMAGES) == expected).all()


def test_a_card_that_somebody_has_added_to_does_no_harm(model: Path) -> None:
    with (model / CARD).open("a") as card:
        card.write("\nOurs is the one with the grey cats.\n")
    assert open_trained(model).classes == ("cat", "dog")


def test_a_damaged_file_is_told_by_the_name_that_the_user_gave(model: Path, tmp_path: Path) -> None:
    pack(model, tmp_path / "whole.zip")
    data = bytearray((tmp_path / "whole.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.zip").write_bytes(data)
    with pytest.raises(WeightsError, match=rf"^{tmp_path}/damaged\.zip") as caught:
        open_stranger(tmp_path / "damaged.zip")
    assert "whisker-model-" not in str(caught.value)


def test_a_network_of_other_classes_than_it_says_is_refused(model: Path) -> None:
    describe(model, classes=["cat", "dog", "horse"])
    with pytest.raises(WeightsError, match="does not tell the classes apart that it names"):
        open_stranger(model)


@pytest.mark.parametrize("content", [b"", b"no network", b"\0" * 1000])
def test_a_network_that_is_none_is_one_sentence(model: Path, content: bytes) -> None:
    (model / ONNX).write_bytes(content)
    hashes = json.loads((model / MANIFEST).read_text())["sha256"]
    describe(model, sha256={**hashes, ONNX: sha256_of(model / ONNX)})
    with pytest.raises(WeightsError, match=r"^the network in .* cannot be run: .*train again$"):
        open_stranger(model)


def test_a_network_for_images_of_another_size_is_refused(model: Path) -> None:
    how = json.loads((model / MANIFEST).read_text())["preprocessing"]
    describe(model, preprocessing={**how, "size": 96, "short_side": 96})
    with pytest.raises(WeightsError, match="cannot be run"):
        open_stranger(model)


def test_none_of_it_needs_mxnet(model: Path, tmp_path: Path) -> None:
    pack(model, tmp_path / "model.zip")
    program = f"""
import sys
from pathlib import Path
from pipeline.trained_model import open_stranger
open_stranger(Path({str(tmp_path / "model.zip")!r}))
print("mxnet" in sys.modules, "onnx" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
