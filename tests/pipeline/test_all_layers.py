"""Training all layers from a fitted head on."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.all_layers import Outcome, learning_rates
from pipeline.arrays import Array
from pipeline.checkpoint import Checkpoints
from pipeline.engine_settings import FrozenSettings
from pipeline.errors import Interrupted, TrainingDiverged
from pipeline.recipes import recipe_named
from pipeline.records import EpochMetrics, Evaluation, Findings, Note
from pipeline.runtime import mx
from pipeline.score import score
from pipeline.train_head import fit_on_features
from pipeline.training_data import TrainingData
from tests import tiny
from tests.pipeline.pictures import save_tinted_pictures
from tests.pipeline.training import AROUND, data_of, small_backbone

# A head that is held back by its penalty leaves the layers something to do.
CHANGES: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 8,
    "head_strengths": (1e-5,),
    "learning_rate": 0.1,
    "early_stop_epochs": 0,
}
MXNET = FrozenSettings("mxnet")
TAIL_START = 6  # where its last stage begins, which is not trained by itself here


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    folder = tmp_path_factory.mktemp("tinted")
    save_tinted_pictures(folder)
    preprocessing = replace(small_backbone().preprocessing, size=tiny.SIZE, short_side=tiny.SIZE + 4)
    return data_of(folder, replace(small_backbone(), preprocessing=preprocessing))


def network() -> Any:
    """Return the tiny network; its features stand for pretrained ones."""
    mx.random.seed(0)
    made = tiny.build(2)
    made.initialize(mx.init.Xavier())
    made.hybridize(static_alloc=True)
    made(mx.nd.zeros((1, 3, tiny.SIZE, tiny.SIZE)))
    return made


def events_of(
    net: Any, data: TrainingData, around: Any = AROUND, kept: Path | None = None, **changes: Any
) -> Iterator[Any]:
    recipe = replace(recipe_named("thorough"), **{**CHANGES, **changes})
    checkpoints = Checkpoints(kept, "a training", {}) if kept else None
    if checkpoints:
        checkpoints.look()
    return fit_on_features(net, TAIL_START, data, recipe, around, MXNET, checkpoints)


def epochs(events: list[Any], phase: str = "all layers") -> list[EpochMetrics]:
    found = (event for event in events if isinstance(event, EpochMetrics))
    return [replace(event, seconds=0.0) for event in found if event.phase == phase]


def note(events: list[Any]) -> str:
    (said,) = (e.text for e in events if isinstance(e, Note) and e.text.startswith("all layers:"))
    return said


def values(net: Any) -> dict[str, Array]:
    return {name: p.data().asnumpy() for name, p in net._collect_params_with_prefix().items()}


def same(one: Any, other: Any) -> bool:
    return all(np.array_equal(value, values(other)[name]) for name, value in values(one).items())


def test_layers_that_help_are_kept_and_their_epochs_count_on_from_the_head(data: TrainingData) -> None:
    net = network()
    before = values(net)
    events = list(events_of(net, data))
    assert note(events).startswith("all layers: kept, since training them took the held-out log loss from ")
    assert any(isinstance(e, Note) and "those of the head alone" in e.text for e in events)
    head, layers = epochs(events, "head"), epochs(events)
    assert [epoch.epoch for epoch in layers] == [len(head) + 1, len(head) + 2, len(head) + 3]
    assert layers[-1].train_loss < head[-1].train_loss
    assert layers[-1].test_loss < head[-1].test_loss
    changed = {name for name, value in values(net).items() if (value != before[name]).any()}
    assert "features.0.weight" in changed
    assert not any("running" in name for name in changed), "BatchNorm keeps its pretrained statistics"
    (findings,) = (event for event in events if isinstance(event, Findings))
    assert findings.calibration is not None
    assert findings.calibration.images == 4, "the held-out images, which were not trained on"


@pytest.mark.parametrize("test_time_flip", [False, True])
@pytest.mark.parametrize("learning_rate", [0.1, 1e-9])
def test_the_network_says_what_its_evaluation_says_whether_the_layers_are_kept_or_not(
    data: TrainingData, learning_rate: float, test_time_flip: bool
) -> None:
    net = network()
    changes: dict[str, Any] = {"learning_rate": learning_rate, "test_time_flip": test_time_flip}
    *_, evaluation = events_of(net, data, **changes)
    found = score(net, data, replace(recipe_named("thorough"), **changes), AROUND)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.accuracy == found.accuracy
    assert evaluation.log_loss == pytest.approx(found.log_loss, abs=1e-5)


def test_layers_that_do_not_help_are_given_up_and_all_is_as_fast_leaves_it(data: TrainingData) -> None:
    net, fast = network(), network()
    events = list(events_of(net, data, learning_rate=1e-9))
    assert note(events).startswith("all layers: not kept, since ")
    assert len(epochs(events)) == 3, "what was tried is on record"
    recipe = replace(recipe_named("fast"), head_strengths=(1e-5,), batch_size=8)
    expected = list(fit_on_features(fast, TAIL_START, data, recipe, AROUND, MXNET))
    assert events[-2:] == expected[-2:], "the findings and the evaluation"
    assert same(net, fast)


def test_it_ends_when_so_many_epochs_were_no_better(data: TrainingData) -> None:
    events = list(events_of(network(), data, learning_rate=1e-30, epochs=8, early_stop_epochs=2))
    assert 2 <= len(epochs(events)) <= 3, "the weights stay, and all that changes is rounding"
    assert "until an early stop" in note(events)


@pytest.mark.parametrize("cut_after", [1, 3])
def test_a_training_that_is_cut_off_goes_on_and_ends_as_one_that_was_not(
    data: TrainingData, tmp_path: Path, cut_after: int
) -> None:
    whole, resumed = network(), network()
    expected = list(events_of(whole, data, kept=tmp_path / "whole"))
    cut = events_of(network(), data, kept=tmp_path / "cut")
    for _ in range(cut_after):
        next(event for event in cut if epochs([event]))
    del cut
    found = list(events_of(resumed, data, kept=tmp_path / "cut"))
    assert epochs(found) == epochs(expected)[cut_after:]
    assert note(found) == note(expected)
    assert found[-2:] == expected[-2:], "the findings and the evaluation"
    assert same(resumed, whole)


def test_two_trainings_are_equal_and_with_another_seed_they_are_not(data: TrainingData) -> None:
    first, second = (list(events_of(network(), data)) for _ in range(2))
    assert epochs(first) == epochs(second)
    assert first[-2:] == second[-2:]
    other = list(events_of(network(), data, replace(AROUND, seed=1)))
    assert epochs(other) != epochs(first)


@pytest.mark.parametrize(
    "changes",
    [{"horizontal_flip": False}, {"least_crop": 1.0}, {"average_decay": 0.0}, {"warm_up_epochs": 0.0}],
)
def test_each_setting_changes_the_training(data: TrainingData, changes: dict[str, Any]) -> None:
    assert epochs(list(events_of(network(), data, **changes))) != epochs(list(events_of(network(), data)))


def test_batches_in_parts_train_as_whole_ones_do_since_batch_norm_keeps_its_statistics(
    data: TrainingData,
) -> None:
    whole, in_parts = network(), network()
    expected = epochs(list(events_of(whole, data)))
    found = epochs(list(events_of(in_parts, data, gradient_parts=3)))
    for one, other in zip(found, expected, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
    for name, value in values(whole).items():
        assert values(in_parts)[name] == pytest.approx(value, rel=1e-2, abs=1e-4), name


def test_the_test_images_decide_nothing(data: TrainingData) -> None:
    """With other test images, and other labels of them, the same network comes out."""
    net, other = network(), network()
    list(events_of(net, data))
    changed = tuple(replace(image, label="cat") for image in data.test[:4])
    list(events_of(other, replace(data, test=changed)))
    assert same(net, other)


def test_with_one_image_of_a_class_nothing_can_be_held_out_and_the_head_stays(data: TrainingData) -> None:
    few = replace(data, train=(data.train[0], data.train[-1]))
    events = list(events_of(network(), few))
    assert note(events) == "all layers: not trained, since there are too few images to hold some out"
    assert epochs(events) == []


def test_a_loss_that_is_not_finite_ends_the_training(data: TrainingData) -> None:
    with pytest.raises(TrainingDiverged, match="choose a smaller learning rate"):
        list(events_of(network(), data, learning_rate=1e38, warm_up_epochs=0.0))


def test_a_signal_stops_between_two_batches(data: TrainingData) -> None:
    stages: list[str] = []

    def check() -> None:
        if stages and stages[-1].startswith("epoch"):
            raise Interrupted(signal.SIGTERM)

    around = replace(AROUND, check_stop=check, progress=lambda stage, *_: stages.append(stage))
    with pytest.raises(Interrupted):
        list(events_of(network(), data, around))
    assert stages[-1] == "epoch 1/3"


def outcome(gains: list[float], losses: tuple[float, ...] = (0.5, 0.3, 0.2, 0.4)) -> Outcome:
    rows = np.zeros((len(gains), 2), np.float32)
    return Outcome(losses, 42, False, rows, np.zeros(len(gains), np.int64), np.array(gains))


@pytest.mark.parametrize(
    ("gains", "helps"),
    [
        ([0.1, 0.2, 0.3], True),
        ([-0.1, -0.2, -0.3], False),
        ([0.0, 0.0, 0.3], False),  # 0.1 with a standard error of 0.1
        ([0.0, 0.1, 0.3], True),  # 0.13 with 0.09
        ([0.0, 0.0], False),
        ([0.004, 0.004], False),  # surely, but by less than a hundredth of the head's loss, 0.5
        ([0.006, 0.006], True),
        ([5.0], False),  # of one image nothing is known of the error
        ([], False),
    ],
)
def test_the_layers_help_if_the_held_out_loss_falls_by_more_than_its_standard_error(
    gains: list[float], helps: bool
) -> None:
    assert outcome(gains).helps == helps


def test_the_sentence_says_what_was_decided_and_why() -> None:
    assert outcome([0.1, 0.2, 0.3]).sentence == (
        "all layers: kept, since training them took the held-out log loss from 0.5000 to 0.2000 in epoch 43, "
        "the best of 3 (standard error of the gain 0.0577)"
    )
    worse = replace(outcome([], (0.1, 0.3, 0.2)), stopped_early=True)
    assert worse.sentence == (
        "all layers: not kept, since training them took the held-out log loss from 0.1000 to 0.2000 in epoch "
        "43, the best of 2 until an early stop"
    )


def test_the_rate_rises_for_the_first_epoch_and_falls_to_nothing_as_half_a_cosine() -> None:
    recipe = replace(recipe_named("thorough"), epochs=5, batch_size=12, learning_rate=0.4)
    rate, each = learning_rates(recipe, 100)
    assert each == 9
    rates = [rate(update) for update in range(5 * each)]
    assert rates[:10] == pytest.approx([0.4 * update / 9 for update in range(10)])
    assert rates[9 + 18] == pytest.approx(0.2)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert 0 < rates[-1] < 0.004


@pytest.mark.parametrize(("warm_up_epochs", "first"), [(0.0, 0.4), (9.0, 0.0)])
def test_a_warm_up_may_be_nothing_and_ends_before_the_training(warm_up_epochs: float, first: float) -> None:
    recipe = replace(
        recipe_named("thorough"), epochs=1, batch_size=50, learning_rate=0.4, warm_up_epochs=warm_up_epochs
    )
    rate, each = learning_rates(recipe, 100)
    assert (rate(0), each) == (first, 2)
    assert 0 < rate(1) <= 0.4
