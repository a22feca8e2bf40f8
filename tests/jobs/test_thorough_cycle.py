"""Real cycles of the recipe `thorough`, one of them killed while it trains all layers."""

import json
import os
import signal
from pathlib import Path

import pytest

from db import store
from db.session import open_read_only
from pipeline.calibration import calibrated
from tests.faults.outcome import epochs_of, models_of, predictions_of, rows
from tests.faults.subject import Subject, ended_by, make_pair
from tests.pipeline.pictures import save_tinted_pictures

# A head that is held back by its penalty leaves the layers something to do.
SETTINGS = """\
epochs = 4
head_strengths = [1e-5]
learning_rate = 0.3
early_stop_epochs = 0
test_time_flip = true
"""


@pytest.fixture
def subjects(tiny_weights: Path, tmp_path: Path) -> tuple[Subject, Subject]:
    """Return two homes in which nothing has run, with the same images and settings."""
    save_tinted_pictures(tmp_path / "images")
    return make_pair(tmp_path, tmp_path / "images", tiny_weights, recipe="thorough", of_recipe=SETTINGS)


def test_one_that_is_killed_twice_ends_as_one_that_was_not_and_predicts_what_it_reports(
    subjects: tuple[Subject, Subject],
) -> None:
    whole, killed = subjects
    done = whole.cycle()
    assert done.returncode == 0, done.stderr
    for place in ("in_epoch@3", "after_checkpoint"):  # two batches an epoch, of 16 images
        assert ended_by(killed.cycle(failpoint=f"{place}:kill"), signal.SIGKILL)
    done = killed.cycle()
    assert done.returncode == 0, done.stderr
    assert epochs_of(killed) == epochs_of(whole)
    assert {epoch[2] for epoch in epochs_of(whole)} == {"head", "all layers"}
    assert predictions_of(killed) == predictions_of(whole)
    assert models_of(killed) == models_of(whole)
    ((notes,),) = rows(killed, "SELECT notes FROM run WHERE kind = 'finetune'")
    assert "all layers: kept" in notes
    assert "its numbers are those of a run that was not" in notes
    predicts_what_it_reports(whole)


def predicts_what_it_reports(subject: Subject) -> None:
    model = json.loads((subject.home / "models" / "run-0001" / "model.json").read_text())
    assert model["test_time_flip"] is True
    assert model["temperature"] != 1
    with open_read_only(subject.home / "whisker.db")() as session:
        details = store.load_run(session, 1)
    assert details.evaluation is not None
    reported = calibrated(details.evaluation, model["temperature"]).predictions
    said = json.loads(subject.run("--json", "predict", subject.images / "test").stdout)["predictions"]
    answers = {os.fsencode(Path(answer["path"]).relative_to(subject.images)): answer for answer in said}
    assert len(answers) == len(reported) == 8
    for prediction in reported:
        found = answers[prediction.path]["probabilities"]
        assert [found["cat"], found["dog"]] == pytest.approx(prediction.probabilities, abs=1e-5)
