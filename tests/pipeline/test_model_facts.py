"""What a model says of its data, training and figures."""

import json
from dataclasses import replace
from math import log

import pytest

from pipeline.backbones import backbone_named
from pipeline.intervals import wilson_interval
from pipeline.model_facts import model_facts
from pipeline.records import Calibration, Evaluation, Findings, RunDetails, SnapshotImage
from tests.db.samples import PHOTOS, evaluation, sha, snapshot
from tests.pipeline.published import WEIGHTS, facts_of, run_of


def test_the_figures_on_the_test_images_have_intervals() -> None:
    of = snapshot()
    facts = model_facts(RunDetails(run_of(of), evaluation(of, "a")), of, WEIGHTS)
    metrics = facts["metrics"]
    assert metrics["test_images"] == 2
    assert metrics["accuracy"] == dict(
        zip(("value", "low", "high"), (0.5, *wilson_interval(1, 2)), strict=True)
    )
    low, high = -log(0.75), -log(1 - 1.0 + 2.2250738585072014e-308)
    assert metrics["log_loss"]["value"] == pytest.approx((low + high) / 2)
    assert (metrics["log_loss"]["low"], metrics["log_loss"]["high"]) == pytest.approx((low, high))
    assert metrics["classes"]["cat"]["test_images"] + metrics["classes"]["dog"]["test_images"] == 2


def test_the_log_loss_is_that_of_the_probabilities_with_their_temperature() -> None:
    of = snapshot()
    soft = Findings(Calibration(4.0, 10, 0.5, 0.25))
    cold, warm = (
        model_facts(RunDetails(run_of(of), evaluation(of), findings=findings), of, WEIGHTS)["metrics"]
        for findings in (Findings(), soft)
    )
    assert warm["log_loss"]["value"] > cold["log_loss"]["value"], "all are right, so to be less sure costs"
    assert warm["accuracy"] == cold["accuracy"]
    assert warm["log_loss_without_temperature"] == cold["log_loss_without_temperature"]


@pytest.mark.parametrize("tested", [None, Evaluation(float("nan"), float("nan"), ())])
def test_a_run_of_which_no_test_image_could_be_read_has_no_figures(tested: Evaluation | None) -> None:
    of = snapshot()
    assert model_facts(RunDetails(run_of(of), tested), of, WEIGHTS)["metrics"] is None


def test_the_images_are_counted_and_nothing_tells_where_they_lie() -> None:
    facts = facts_of(train_images=3)
    assert facts["data"] == {
        "split": "folders",
        "train": {"cat": 2, "dog": 2},
        "test": {"cat": 1, "dog": 1},
        "trained_on": 3,
    }
    text = json.dumps(facts, allow_nan=False)
    assert PHOTOS not in text
    assert ".jpg" not in text
    assert str(WEIGHTS.path) not in text


@pytest.mark.parametrize(
    ("paths", "by_folders"),
    [
        ((b"train/cat/1.jpg", b"test/cat/2.jpg"), True),
        ((b"cat/1.jpg", b"cat/2.jpg"), False),
        ((b"trains/1.jpg", b"tests/2.jpg"), False),
    ],
)
def test_where_the_split_comes_from_shows_in_the_paths(paths: tuple[bytes, bytes], by_folders: bool) -> None:
    images = tuple(
        SnapshotImage(sha(split), "cat", split, path)  # type: ignore[arg-type]
        for split, path in zip(("train", "test"), paths, strict=True)
    )
    assert replace(snapshot(), images=images).has_split_folders == by_folders


def test_the_licence_is_that_of_the_backbones_own_weights_and_unknown_of_a_users_file() -> None:
    own = replace(WEIGHTS, is_users_own=True)
    assert facts_of()["weights"] == {"sha256": "5" * 64, "licence": backbone_named("mobilenet0.25").licence}
    assert facts_of(weights=own)["weights"] == {"sha256": "5" * 64, "licence": None}
    assert facts_of(weights=None, kind="scratch")["weights"] is None
