"""Saving and reading models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.bundle import load_model, publish_model
from pipeline.errors import SaveFailed, TrainingDiverged, WeightsError
from pipeline.manifest import MANIFEST, ONNX, PARAMETERS, read_manifest, temperature_of
from pipeline.network import forward_of
from pipeline.onnx_runtime import open_model
from pipeline.publish import sha256_of
from pipeline.runtime import mx
from pipeline.trained_model import open_trained
from tests.pipeline.published import FACTS, publish
from tests.pipeline.training import lively_network, small_backbone, small_network


def test_a_model_opens_again_and_says_the_same(tmp_path: Path) -> None:
    network = lively_network()
    artifacts = publish_model(
        network,
        tmp_path / "models" / "run-0001",
        classes=("cat", "dog"),
        preprocessing=small_backbone().preprocessing,
        facts=FACTS,
    )
    model = load_model(tmp_path / "models" / "run-0001", mx.cpu())
    images = np.random.default_rng(0).normal(size=(3, 3, 64, 64)).astype(np.float32)
    expected = forward_of(network, mx.cpu())(images)
    assert forward_of(model.network, mx.cpu())(images) == pytest.approx(expected, abs=1e-4)
    assert model.classes == ("cat", "dog")
    assert model.preprocessing == small_backbone().preprocessing
    assert [a.sha256 for a in artifacts] == [
        sha256_of(tmp_path / "models" / "run-0001" / a.name) for a in artifacts
    ]
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["run-0001"], "nothing half written is left"


def test_the_onnx_file_says_the_same(tmp_path: Path) -> None:
    network = lively_network()
    publish(tmp_path / "run", network)
    images = np.random.default_rng(1).normal(size=(3, 3, 64, 64)).astype(np.float32)
    expected = forward_of(network, mx.cpu())(images)
    assert open_model(tmp_path / "run" / ONNX)(images) == pytest.approx(expected, abs=1e-4)


def test_the_temperature_is_kept_beside_the_network_whose_logits_stay_raw(tmp_path: Path) -> None:
    network = lively_network()
    publish(tmp_path / "run", network, temperature=1.75)
    model = open_trained(tmp_path / "run")
    assert model.temperature == 1.75
    images = np.random.default_rng(2).normal(size=(3, 3, 64, 64)).astype(np.float32)
    assert model.forward(images) == pytest.approx(forward_of(network, mx.cpu())(images), abs=1e-4)


@pytest.mark.parametrize("test_time_flip", [False, True])
def test_a_model_that_was_judged_over_mirror_images_is_used_so(tmp_path: Path, test_time_flip: bool) -> None:
    network = mx.gluon.nn.HybridSequential()
    network.add(mx.gluon.nn.Flatten(), mx.gluon.nn.Dense(2))
    network.initialize(mx.init.Xavier())
    network.hybridize()
    images = np.random.default_rng(2).normal(size=(3, 3, 64, 64)).astype(np.float32)
    network(mx.nd.array(images))
    publish(tmp_path / "run", network, test_time_flip=test_time_flip)
    plain, mirrored = (forward_of(network, mx.cpu())(x) for x in (images, images[..., ::-1]))
    assert np.abs(plain - mirrored).max() > 0.1
    expected = (plain + mirrored) / 2 if test_time_flip else plain
    assert open_trained(tmp_path / "run").forward(images) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("written", "read"), [(None, 1.0), (2, 2.0), (0, None), (-1.5, None), ("hot", None), (float("inf"), None)]
)
def test_a_model_without_a_temperature_has_1_and_one_that_is_no_temperature_is_refused(
    tmp_path: Path, written: float | str | None, read: float | None
) -> None:
    manifest: dict[str, Any] = {} if written is None else {"temperature": written}
    if read is None:
        with pytest.raises(
            WeightsError,
            match=r"the temperature .* is not a number above 0; take another copy, or train again",
        ):
            temperature_of(manifest)
    else:
        assert temperature_of(manifest) == read


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    publish(tmp_path / "run", small_network())
    content = bytearray((tmp_path / "run" / PARAMETERS).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "run" / PARAMETERS).write_bytes(content)
    with pytest.raises(WeightsError, match=r"network-0000\.params has changed since it was written"):
        load_model(tmp_path / "run", mx.cpu())


def test_a_manifest_that_is_not_the_recorded_one_is_noticed(tmp_path: Path) -> None:
    publish(tmp_path / "run", small_network())
    written = sha256_of(tmp_path / "run" / MANIFEST)
    assert read_manifest(tmp_path / "run", written)["classes"] == ["cat", "dog"]
    manifest = json.loads((tmp_path / "run" / MANIFEST).read_text())
    (tmp_path / "run" / MANIFEST).write_text(json.dumps({**manifest, "classes": ["dog", "cat"]}))
    with pytest.raises(WeightsError, match=r"model\.json has changed since it was written"):
        read_manifest(tmp_path / "run", written)


def test_a_network_whose_files_have_no_hashes_is_not_read(tmp_path: Path) -> None:
    publish(tmp_path / "run", small_network())
    manifest = json.loads((tmp_path / "run" / MANIFEST).read_text())
    (tmp_path / "run" / MANIFEST).write_text(json.dumps({**manifest, "sha256": {}}))
    with pytest.raises(WeightsError, match=r"have no hashes in model\.json"):
        load_model(tmp_path / "run", mx.cpu())


@pytest.mark.parametrize("damage", ["no folder", "no manifest", "manifest cut", "no parameters"])
def test_a_model_that_is_not_whole_is_one_sentence(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "run"
    if damage != "no folder":
        publish(folder, small_network())
    if damage == "no manifest":
        (folder / "model.json").unlink()
    if damage == "manifest cut":
        (folder / "model.json").write_text(json.dumps({"classes": ["cat"]}))
    if damage == "no parameters":
        (folder / PARAMETERS).unlink()
    with pytest.raises(
        WeightsError,
        match=r"the model in .*run cannot be read .*; take another copy, or train again",
    ):
        load_model(folder, mx.cpu())


def test_a_parameter_that_is_not_finite_is_never_published(tmp_path: Path) -> None:
    network = small_network()
    network.output.bias.set_data(mx.nd.array([np.nan, 0]))
    with pytest.raises(TrainingDiverged, match="bias is not finite"):
        publish(tmp_path / "run", network)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", [1, 100, 5000])
def test_a_disk_that_is_full_at_the_very_end_leaves_no_model(tmp_path: Path, missing: int) -> None:
    """MXNet itself reports no error when the last bytes of a file do not fit."""
    publish(tmp_path / "whole", small_network())
    limit = (tmp_path / "whole" / PARAMETERS).stat().st_size - missing
    program = f"""
import resource, signal
from pathlib import Path
from pipeline.errors import SaveFailed
from tests.pipeline.published import publish
from tests.pipeline.training import small_network
network = small_network()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    publish(Path({str(tmp_path / "run")!r}), network)
except SaveFailed as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("refused: "), done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["whole"]


def test_a_model_that_cannot_be_written_is_one_sentence_that_names_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SaveFailed, match=r"file/run cannot be written: Not a directory; mend"):
        publish(tmp_path / "file" / "run", small_network())
