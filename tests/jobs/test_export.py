"""Models that are given away."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from db import store
from jobs.export import Given, Wanted, export
from jobs.home import Home
from jobs.predict import classify, open_classifier
from jobs.stop import StopFlag
from pipeline.bundle import publish_model
from pipeline.decode import read_image
from pipeline.errors import (
    BadSettings,
    CannotExport,
    Interrupted,
    NoSuchRecord,
    SaveFailed,
    WeightsError,
)
from pipeline.evaluate import silent
from pipeline.layout import find_layout
from pipeline.manifest import MANIFEST, PARAMETERS
from pipeline.onnx_runtime import open_outputs
from pipeline.publish import sha256_of
from pipeline.runtime import mx
from pipeline.snapshot import take_snapshot
from pipeline.trained_model import open_stranger
from tests.db.samples import NOON, begin_cycle, begin_run, end_cycle
from tests.docs.markdown import DOCUMENTS, blocks
from tests.jobs.stored_homes import make_home, without_onnx
from tests.pipeline.folders import files_of
from tests.pipeline.published import FACTS
from tests.pipeline.training import lively_network, small_backbone


class Ending(mx.gluon.HybridBlock):  # type: ignore[misc]
    """A network whose logits go through something more at its end."""

    def __init__(self, ending: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self._ending = ending
        with self.name_scope():
            self.network = lively_network()

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
        return self._ending(F, self.network(x))


def with_noise(F: Any, x: Any) -> Any:  # noqa: N803
    return F.broadcast_add(
        x, F.random.normal(shape=(1, 2))
    )  # of which MXNet and ONNX Runtime each have theirs


def with_erfinv(F: Any, x: Any) -> Any:  # noqa: N803
    return F.erfinv(x)


def home_with(folder: Path, images: Path, network: Any) -> Home:
    """Return a home whose champion is a network of random weights, tested on the drawn images."""
    home, sessions = make_home(folder)
    of = take_snapshot(find_layout(images), files_of(images))
    with sessions.begin() as session:
        cycle_id, _ = begin_cycle(session, of, str(images))
        run_id = begin_run(session, cycle_id, test_images=len(of.part("test")))
        store.finish_run(session, run_id, status="finished", seconds=1.0)
        end_cycle(session, cycle_id)
        store.promote(session, run_id, NOON, "the first", "cycle", expected=None)
    network.hybridize()
    network(mx.nd.zeros((1, 3, 64, 64))).wait_to_read()
    files = publish_model(
        network,
        home.model(run_id),
        classes=of.classes,
        preprocessing=replace(small_backbone().preprocessing, resize="crop"),
        temperature=1.5,
        facts=FACTS,
    )
    with sessions.begin() as session:
        store.add_artifacts(session, run_id, files)
    return home


@pytest.fixture
def home(images: Path, tmp_path: Path) -> Home:
    return home_with(tmp_path / "home", images, lively_network())


def written(home: Home, **wanted: Any) -> Given:
    return export(home, Wanted(**wanted), StopFlag(), silent)


def answers(model: Any, folder: Path) -> dict[bytes, tuple[float, ...]]:
    found = classify(model, [os.fsencode(folder)], [], lambda: None)
    return {answer.path: answer.probabilities for answer in found}


def test_the_zip_says_in_another_folder_and_without_the_home_what_the_champion_says(
    home: Home, images: Path, tmp_path: Path
) -> None:
    expected = answers(open_classifier(home, None), images / "test")
    given = written(home, form="params", output=tmp_path / "out.zip")
    (tmp_path / "elsewhere").mkdir()
    moved = given.file.rename(tmp_path / "elsewhere" / "pets.zip")
    shutil.rmtree(home.folder)
    model = open_stranger(moved)
    assert len(expected) == 12
    assert answers(model, images / "test") == expected
    assert len({round(row[0], 3) for row in expected.values()}) > 6, "it tells them apart"
    assert (model.run_id, model.classes) == (1, ("cat", "dog"))
    assert (given.sha256, given.size) == (sha256_of(moved), moved.stat().st_size)
    assert given.measured is None


@pytest.mark.parametrize("inside", [False, True])
def test_the_onnx_file_was_compared_with_mxnet_on_all_test_images(
    home: Home, tmp_path: Path, inside: bool
) -> None:
    given = written(home, form="onnx", output=tmp_path, with_preprocessing=inside)
    name = "whisker-run-0001-with-preprocessing.onnx" if inside else "whisker-run-0001.onnx"
    assert given.file == tmp_path / name
    assert (given.opset, given.compared_on, given.unreadable) == (13, "test images", {})
    measured = given.measured
    assert measured is not None
    assert (measured.network.images, measured.network.same_class) == (12, 12)
    assert measured.network.largest_logit > 0.5
    assert measured.network.is_close
    assert (measured.whole is not None) == (measured.pixels is not None) == inside
    model = onnx.load(str(given.file))
    facts = {prop.key: prop.value for prop in model.metadata_props}
    assert json.loads(facts["labels"]) == ["cat", "dog"]
    assert json.loads(facts["preprocessing"])["short_side"] == 72
    assert (facts["run"], facts["temperature"], facts["snapshot"]) == ("1", "1.5", FACTS["snapshot"])
    assert facts["parameters_sha256"] == sha256_of(home.model(1) / PARAMETERS)


def test_the_onnx_file_says_of_a_photo_what_predict_says(home: Home, images: Path, tmp_path: Path) -> None:
    expected = answers(open_classifier(home, None), images / "test")
    given = written(home, form="onnx", output=tmp_path, with_preprocessing=True)
    model = open_outputs(given.file)
    for path, row in expected.items():
        image = np.asarray(read_image(Path(os.fsdecode(path)).read_bytes()))
        assert model(image[np.newaxis])[0][0] == pytest.approx(row, abs=0.02)


def test_the_code_in_the_documentation_says_it_too(home: Home, images: Path, tmp_path: Path) -> None:
    photo = next((images / "test").rglob("*.jpg"))
    shutil.copy(photo, tmp_path / "photo.jpg")
    (expected,) = answers(open_classifier(home, None), tmp_path / "photo.jpg").values()
    written(home, form="onnx", output=tmp_path / "pets-photos.onnx", with_preprocessing=True)
    (program,) = (block.text for block in blocks(DOCUMENTS["docs/EXPORT.md"]) if block.language == "python")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert ast.literal_eval(done.stdout) == pytest.approx(
        dict(zip(("cat", "dog"), expected, strict=True)), abs=0.02
    )


def test_images_that_moved_are_found_and_those_that_are_gone_are_counted(
    home: Home, images: Path, tmp_path: Path
) -> None:
    one, other, third = sorted((images / "test" / "cat").iterdir())[:3]
    one.unlink()
    other.write_bytes(b"changed")
    gone = {b"test/cat/" + os.fsencode(path.name) for path in (one, other)}
    given = written(home, form="onnx", output=tmp_path)
    assert given.measured is not None
    assert given.measured.network.images == 10
    assert set(given.unreadable) == gone
    third.rename(images / "test" / "cat" / "renamed.jpg")
    given = written(home, form="onnx", output=tmp_path, force=True)
    assert given.measured is not None
    assert given.measured.network.images == 9, "no look has seen where it went"


def test_without_any_test_image_it_says_so_and_other_images_do(
    home: Home, images: Path, tmp_path: Path
) -> None:
    others = images.rename(tmp_path / "unplugged")
    with pytest.raises(CannotExport, match=r"of 12 test images none can be read \(.*\); connect .* --images"):
        written(home, form="onnx", output=tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
    (others / "notes.txt").write_text("no image")
    given = written(home, form="onnx", output=tmp_path / "model.onnx", images=others)
    assert given.measured is not None
    assert given.measured.network.images == 36
    assert list(given.unreadable.values()) == ["not an image"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CannotExport, match=r"of 0 files in .*empty none can be read \(there is none\)"):
        written(home, form="onnx", output=tmp_path / "again.onnx", images=empty)


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (with_noise, "differs from MXNet, in probabilities by up to"),
        (with_erfinv, r"run 1 cannot be written as ONNX \(.*erfinv.*\); `export --format params`"),
    ],
    ids=["other numbers", "no translation"],
)
def test_a_network_that_is_not_the_same_in_onnx_is_given_away_for_mxnet_alone(
    images: Path, tmp_path: Path, ending: Callable[[Any, Any], Any], sentence: str
) -> None:
    home = home_with(tmp_path / "home", images, Ending(ending))
    with pytest.raises(CannotExport, match=sentence):
        written(home, form="onnx", output=tmp_path / "model.onnx")
    assert not list(tmp_path.glob("*model.onnx*"))
    assert written(home, form="params", output=tmp_path / "model.zip").size > 10_000


@pytest.mark.parametrize("form", ["params", "onnx"])
def test_a_file_that_is_there_stays_unless_it_may_be_replaced(home: Home, tmp_path: Path, form: Any) -> None:
    target = tmp_path / "model"
    target.write_text("mine")
    with pytest.raises(BadSettings, match=r"model is there already; --force replaces it"):
        written(home, form=form, output=target)
    assert target.read_text() == "mine"
    written(home, form=form, output=target, force=True)
    assert target.stat().st_size > 10_000


def test_nothing_is_written_into_the_image_folder(home: Home, images: Path) -> None:
    before = sorted(images.rglob("*"))
    with pytest.raises(BadSettings, match="lies in the image folder, which is never written to"):
        written(home, form="params", output=images / "train")
    assert sorted(images.rglob("*")) == before


def damage(home: Home) -> None:
    file = home.model(1) / PARAMETERS
    file.write_bytes(file.read_bytes()[:-1])


def change_the_description(home: Home) -> None:
    file = home.model(1) / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), "temperature": 9.0}))


@pytest.mark.parametrize("form", ["params", "onnx"])
@pytest.mark.parametrize("harm", [damage, change_the_description])
def test_a_damaged_model_is_not_given_away(
    home: Home, tmp_path: Path, form: Any, harm: Callable[[Home], None]
) -> None:
    harm(home)
    with pytest.raises(WeightsError, match="has changed since it was written"):
        written(home, form=form, output=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_what_is_not_there_cannot_be_given_away(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NoSuchRecord, match="run 99 has no model"):
        written(home, form="params", run_id=99, output=tmp_path / "model")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SaveFailed, match="cannot be written"):
        written(home, form="params", output=tmp_path / "file" / "model.zip")


def test_a_signal_ends_it_and_leaves_no_file(home: Home, tmp_path: Path) -> None:
    flag = StopFlag()
    flag.signal_number = 15
    with pytest.raises(Interrupted):
        export(home, Wanted("onnx", output=tmp_path / "model.onnx"), flag, silent)
    assert not list(tmp_path.glob("*model.onnx*"))


def test_a_model_without_its_onnx_file_is_exported_all_the_same(home: Home, tmp_path: Path) -> None:
    """An older bundle, or one whose ONNX form was not the same when it was written."""
    without_onnx(home, 1)
    given = written(home, form="onnx", output=tmp_path)
    assert given.measured is not None
    assert given.measured.network.is_close
