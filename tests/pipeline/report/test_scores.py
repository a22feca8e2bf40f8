from dataclasses import replace
from math import nan

import pytest

from pipeline.records import RunDetails
from pipeline.report.scores import commonest, score_of, train_images_of
from tests.pipeline.example_runs import example_details, example_run, example_snapshot


def test_a_score_is_counted_on_the_evaluation() -> None:
    score = score_of(example_details("finetune", 1, test_accuracy=0.1))

    assert score is not None
    assert (score.accuracy, score.images) == (394 / 400, 400)
    assert score.low < score.accuracy < score.high


def test_without_its_predictions_a_run_has_its_stored_score() -> None:
    score = score_of(RunDetails(example_run("finetune", 1, test_accuracy=0.97)))

    assert score is not None
    assert score.accuracy == pytest.approx(0.97)


@pytest.mark.parametrize("changes", [{"test_accuracy": None}, {"test_accuracy": nan}, {"test_images": 0}])
def test_what_was_not_tested_has_no_score(changes: dict[str, object]) -> None:
    assert score_of(RunDetails(example_run("finetune", 1, **changes))) is None
    assert score_of(None) is None


def test_the_commonest_class_is_what_a_guess_would_score() -> None:
    snapshot = replace(example_snapshot(), counts={"train": {"cat": 3}, "test": {"cat": 30, "dog": 70}})

    assert commonest(snapshot) == ("dog", 0.7)
    assert train_images_of(snapshot) == 3
    assert commonest(replace(snapshot, counts={})) is None
