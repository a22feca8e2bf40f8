"""Training a head on frozen features, and the last stage."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.backbones import backbone_named
from pipeline.checkpoint import Checkpoints
from pipeline.decode import normalise
from pipeline.engine_settings import FrozenSettings
from pipeline.errors import TrainingDiverged
from pipeline.evaluate import log_softmax, over_mirrors
from pipeline.features import compute_features, held_out_part
from pipeline.network import forward_of, pretrained_network
from pipeline.pretrained.weights import find_weights
from pipeline.recipes import recipe_named
from pipeline.records import EpochMetrics, Evaluation, Findings, Note, SnapshotImage
from pipeline.runtime import mx
from pipeline.score import score
from pipeline.train_head import _drawn, fit_on_features
from pipeline.training_data import TrainingData
from tests.pipeline.training import AROUND, data_of

BACKBONE = backbone_named("efficientnet_lite0")


@pytest.fixture(scope="module")
def data(drawn: Path) -> TrainingData:
    return data_of(drawn, BACKBONE)


def network() -> Any:
    weights = find_weights(BACKBONE, Path("nowhere"), download=False)
    return pretrained_network(BACKBONE, 2, weights, mx.cpu(), 0)


def fit(net: Any, data: TrainingData, **changes: Any) -> list[Any]:
    return list(
        fit_on_features(net, BACKBONE.tail_start, data, replace(recipe_named("fast"), **changes), AROUND)
    )


@pytest.mark.parametrize("test_time_flip", [False, True])
def test_the_network_as_a_whole_says_what_the_evaluation_says(
    data: TrainingData, test_time_flip: bool
) -> None:
    net = network()
    *_, evaluation = fit(net, data, test_time_flip=test_time_flip)
    assert isinstance(evaluation, Evaluation)
    batch = next(data.reader.batches(data.test, len(data.test)))
    forward = forward_of(net, mx.cpu())
    pixels = normalise(batch.pixels, data.reader.preprocessing)
    logits = over_mirrors(forward)(pixels) if test_time_flip else forward(pixels)
    said = np.array([p.probabilities for p in evaluation.predictions])
    assert np.exp(log_softmax(logits)) == pytest.approx(said, abs=1e-4)


def test_drawn_cats_and_dogs_are_learnt_and_each_iteration_is_an_epoch(data: TrainingData) -> None:
    events = fit(network(), data)
    epochs = [e for e in events if isinstance(e, EpochMetrics)]
    assert [e.epoch for e in epochs] == list(range(1, len(epochs) + 1))
    assert {e.phase for e in epochs} == {"head"}
    assert epochs[-1].train_accuracy > 0.9
    assert epochs[-1].test_accuracy > 0.6
    assert any(isinstance(e, Note) and e.text.startswith("head: C = ") for e in events)


def test_a_run_finds_out_about_itself_and_a_first_one_has_nothing_new(data: TrainingData) -> None:
    events = fit(network(), data)
    *_, findings, evaluation = events
    assert isinstance(findings, Findings)
    assert len(findings.repeats) == 5
    assert [point.train_images for point in findings.data_curve] == [4, 6, 12, 24]
    assert sum(findings.data_curve[-1].right.values()) == round(evaluation.accuracy * 12)
    assert findings.calibration is not None
    assert findings.calibration.images == 24
    assert findings.calibration.log_loss_after <= findings.calibration.log_loss_before
    assert findings.novelty is None


def test_new_images_are_compared_with_the_earlier_ones(data: TrainingData) -> None:
    new = frozenset(image.sha256 for image in (*data.train[:3], *data.test))
    *_, findings, _ = fit(network(), replace(data, fresh=new))
    assert findings.novelty.images == 3
    assert findings.novelty.limit > 0


def test_two_runs_are_equal(data: TrainingData) -> None:
    first, second = (
        [replace(e, seconds=0.0) if isinstance(e, EpochMetrics) else e for e in fit(network(), data)]
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("last_stage_epochs", [0, 1])
def test_a_run_from_the_cache_says_the_same_as_the_run_that_filled_it(
    data: TrainingData, tmp_path: Path, last_stage_epochs: int
) -> None:
    settings = FrozenSettings("auto", tmp_path / "cache", 10**9, "a processor")
    changed = replace(recipe_named("fast"), last_stage_epochs=last_stage_epochs)
    first, second = (
        list(fit_on_features(network(), BACKBONE.tail_start, data, changed, AROUND, settings))
        for _ in range(2)
    )
    assert second[1] == Note("features: 36 of 36 images from the cache")
    first, second = (
        [replace(e, seconds=0.0) if isinstance(e, EpochMetrics) else e for e in events]
        for events in (first, second)
    )
    assert first[0] == second[0]
    assert first[2:] == second[2:]


def test_a_last_stage_that_helps_is_kept_and_counts_on_from_the_head(data: TrainingData) -> None:
    net = network()
    before = {name: p.data().asnumpy() for name, p in net.features.collect_params().items()}
    # A head that is held back by its penalty leaves the last stage something to do.
    events = fit(net, data, head_strengths=(1e-5,), last_stage_epochs=2, last_stage_learning_rate=0.01)
    notes = [e.text for e in events if isinstance(e, Note)]
    assert any(note.startswith("last stage: kept") for note in notes)
    assert any("those of the head alone" in note for note in notes)
    (findings,) = (e for e in events if isinstance(e, Findings))
    assert findings.calibration is not None
    assert findings.calibration.images == 4, "the held-out images, which the tried stage had not seen"
    tuned = [e for e in events if isinstance(e, EpochMetrics) and e.phase == "last stage"]
    head = [e for e in events if isinstance(e, EpochMetrics) and e.phase == "head"]
    assert [e.epoch for e in tuned] == [len(head) + 1, len(head) + 2]
    assert tuned[-1].train_loss < head[-1].train_loss
    changed = {n for n, p in net.features.collect_params().items() if (p.data().asnumpy() != before[n]).any()}
    assert changed
    assert not any("running" in name for name in changed), "BatchNorm keeps its pretrained statistics"
    stem = next(iter(net.features.collect_params()))
    assert stem not in changed, "the trunk stays frozen"


def test_a_last_stage_that_is_cut_off_goes_on_and_ends_as_one_that_was_not(
    data: TrainingData, tmp_path: Path
) -> None:
    settings = FrozenSettings("mxnet", tmp_path / "cache", 10**9, "a processor")
    changes: dict[str, Any] = {
        "head_strengths": (1e-5,),
        "last_stage_epochs": 3,
        "last_stage_learning_rate": 0.01,
    }

    def events(net: Any, folder: str) -> Iterator[Any]:
        recipe = replace(recipe_named("fast"), **changes)
        checkpoints = Checkpoints(tmp_path / folder, "a training", {})
        checkpoints.look()
        return fit_on_features(net, BACKBONE.tail_start, data, recipe, AROUND, settings, checkpoints)

    def of_the_last_stage(events: Iterator[Any]) -> Iterator[EpochMetrics]:
        return (e for e in events if isinstance(e, EpochMetrics) and e.phase == "last stage")

    whole, resumed = network(), network()
    expected = list(events(whole, "whole"))
    cut = events(network(), "cut")
    next(of_the_last_stage(cut))
    del cut
    found = list(events(resumed, "cut"))
    epochs = [replace(epoch, seconds=0.0) for epoch in of_the_last_stage(iter(found))]
    assert epochs == [replace(epoch, seconds=0.0) for epoch in of_the_last_stage(iter(expected))][1:]
    assert len(epochs) == 2
    assert found[-2:] == expected[-2:], "the findings, which rest on the trial, and the evaluation"
    for one, other in zip(whole.collect_params().values(), resumed.collect_params().values(), strict=True):
        assert (one.data().asnumpy() == other.data().asnumpy()).all(), one.name


def test_a_last_stage_that_harms_is_undone(data: TrainingData) -> None:
    net = network()
    before = {name: p.data().asnumpy() for name, p in net.features.collect_params().items()}
    events = fit(net, data, last_stage_epochs=1, last_stage_learning_rate=5.0)
    assert any(isinstance(e, Note) and e.text.startswith("last stage: not kept") for e in events)
    assert {e.phase for e in events if isinstance(e, EpochMetrics)} == {"head"}
    said = score(net, data, recipe_named("fast"), AROUND)
    assert events[-1].log_loss == pytest.approx(said.log_loss, abs=1e-4), (
        "the head is not the one of the trial"
    )
    assert all((p.data().asnumpy() == before[n]).all() for n, p in net.features.collect_params().items())


def test_damaged_weights_are_noticed_before_a_head_is_fitted_on_them(data: TrainingData) -> None:
    net = network()
    next(iter(net.features.collect_params().values())).set_data(mx.nd.full((32, 3, 3, 3), np.nan))
    with pytest.raises(TrainingDiverged, match="the frozen features are not finite"):
        fit(net, data)


def test_a_test_image_that_vanished_is_left_out_of_the_evaluation(data: TrainingData) -> None:
    missing = SnapshotImage("0" * 64, "cat", "test", os.fsencode("test/cat/no.jpg"))
    with_missing = replace(data, test=(missing, *data.test))
    features = compute_features(network(), BACKBONE.tail_start, with_missing, recipe_named("fast"), AROUND)
    assert features.test.images == data.test
    assert len(features.test.pooled) == len(data.test)
    assert features.train.images == data.train


def test_the_held_out_part_is_the_share_of_each_class_and_ignores_the_order() -> None:
    images = [
        SnapshotImage(f"{i:032x}{(i * 7919) % 1000:032x}", label, "train", b"x")
        for i, label in enumerate(["cat"] * 40 + ["dog"] * 10)
    ]
    chosen = held_out_part(images, 0.2)
    assert (chosen[:40].sum(), chosen[40:].sum()) == (8, 2)
    assert (held_out_part(images[::-1], 0.2)[::-1] == chosen).all()
    tiny = [images[0], images[1], images[40], images[41]]
    assert held_out_part(tiny, 0.2).sum() == 2


def test_of_very_many_images_the_strength_is_chosen_by_as_large_a_share_held_out(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = compute_features(network(), BACKBONE.tail_start, data, recipe_named("fast"), AROUND).train
    held_out = held_out_part(features.images, 0.25)
    assert _drawn(features, held_out) == slice(None)
    monkeypatch.setattr("pipeline.train_head.MOST_FITTED", 8)
    rows = _drawn(features, held_out)
    assert isinstance(rows, np.ndarray)
    assert (len(rows), int(held_out[rows].sum())) == (8, 2)
    assert set(features.labels[rows][held_out[rows]]) == set(features.labels[rows]) == {0, 1}
