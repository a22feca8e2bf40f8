"""Training all layers."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.decode import normalise
from pipeline.epoch_batches import epoch_batches
from pipeline.errors import Interrupted, TrainingDiverged
from pipeline.evaluate import evaluation, loss_and_accuracy
from pipeline.records import EpochMetrics, Evaluation
from pipeline.runtime import mx
from pipeline.score import score
from pipeline.train import fit_all_layers
from pipeline.training_data import TrainingData
from tests.pipeline.training import AROUND, classic, data_of, small_backbone, small_network


@pytest.fixture(scope="module")
def data(drawn: Path) -> TrainingData:
    return data_of(drawn, small_backbone())


def epochs_of(data: TrainingData, network: Any = None, around: Any = AROUND, **changes: Any) -> list[Any]:
    network = network or small_network()
    recipe = classic(**{"epochs": 2, "batch_size": 7, **changes})
    return list(fit_all_layers(network, data, recipe, around))


def without_time(events: list[Any]) -> list[Any]:
    return [replace(e, seconds=0.0) if isinstance(e, EpochMetrics) else e for e in events]


def test_one_record_an_epoch_and_last_the_evaluation(data: TrainingData) -> None:
    *epochs, last = epochs_of(data)
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert isinstance(last, Evaluation)
    assert last.accuracy == epochs[-1].test_accuracy
    assert len(last.predictions) == len(data.test)


def test_two_runs_with_the_same_seed_are_equal_and_with_another_seed_are_not(data: TrainingData) -> None:
    assert without_time(epochs_of(data)) == without_time(epochs_of(data))
    other = replace(AROUND, seed=1)
    assert without_time(epochs_of(data)) != without_time(epochs_of(data, around=other))


def test_the_loss_is_a_mean_over_images_not_over_batches(data: TrainingData) -> None:
    """With a rate of zero the network stays as it is, so the loss of the epoch is that of the images.

    24 images in batches of 7 end in a batch of 3. BatchNorm uses the batch, so the frozen features are
    reproduced batch by batch.
    """
    network = small_network()
    batches = epoch_batches(data.by_hash, 7, np.random.default_rng((AROUND.seed, 1)))
    assert list(map(len, batches)) == [7, 7, 7, 3]
    order = np.concatenate(batches)
    from pipeline.decode import normalise
    from pipeline.evaluate import label_indices

    logits, labels = [], label_indices(data.train, data.classes)
    for batch in data.reader.batches(data.train, 7, order=order.tolist()):
        with mx.autograd.train_mode():
            logits.append(network(mx.nd.array(normalise(batch.pixels, data.reader.preprocessing))).asnumpy())
    expected = loss_and_accuracy(np.concatenate(logits), labels[order])
    epoch = epochs_of(data, small_network(), epochs=1, learning_rate=1e-30)[0]
    assert (epoch.train_loss, epoch.train_accuracy) == pytest.approx(expected, rel=1e-5)


def test_the_short_last_batch_is_stepped_by_its_own_size(data: TrainingData) -> None:
    """One update on a single batch of 24, and one whose batch size is larger than that, are the same."""
    same = [without_time(epochs_of(data, epochs=1, batch_size=size)) for size in (24, 32)]
    assert same[0] == same[1]


class Plain(mx.gluon.HybridBlock):  # type: ignore[misc]
    """A small network without BatchNorm, so that no image of a batch changes what another one gives."""

    def __init__(self) -> None:
        super().__init__()
        self.features = mx.gluon.nn.HybridSequential()
        self.features.add(mx.gluon.nn.Conv2D(4, 5, 4, activation="relu"), mx.gluon.nn.GlobalAvgPool2D())
        self.output = mx.gluon.nn.Dense(2)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        return self.output(self.features(x))


def plain() -> Plain:
    mx.random.seed(0)
    network = Plain()
    network.initialize(mx.init.Xavier())
    network(mx.nd.zeros((1, 3, 64, 64)))
    return network


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_batch_in_parts_trains_as_the_whole_batch_does(data: TrainingData, parts: int) -> None:
    """24 images in batches of 7 end in one of 3, which has fewer images than 7 parts."""
    whole, in_parts = plain(), plain()
    settings: dict[str, Any] = {"learning_rate": 0.1, "momentum": 0.9}
    expected = epochs_of(data, whole, **settings)
    found = epochs_of(data, in_parts, gradient_parts=parts, **settings)
    for epoch, one in zip(found[:2], expected[:2], strict=True):
        assert epoch.train_loss == pytest.approx(one.train_loss, rel=1e-5)
        assert epoch.train_accuracy == one.train_accuracy
    for one, other in zip(whole.collect_params().values(), in_parts.collect_params().values(), strict=True):
        assert one.data().asnumpy() == pytest.approx(other.data().asnumpy(), rel=1e-3, abs=1e-6)


def test_no_more_images_are_in_memory_at_once_than_a_part_has(data: TrainingData) -> None:
    sizes = set()

    def count(_block: Any, inputs: Any) -> None:
        sizes.add(len(inputs[0]))

    network = small_network()
    network.hybridize(active=False)
    network.features[0].register_forward_pre_hook(count)
    score(network, data, classic(batch_size=8, gradient_parts=4), AROUND)
    assert sizes == {2}


def test_with_a_test_time_flip_the_logits_are_means_over_both_mirror_images(data: TrainingData) -> None:
    network = plain()
    batch = next(data.reader.batches(data.test, len(data.test)))
    logits = [
        network(mx.nd.array(normalise(pixels, data.reader.preprocessing))).asnumpy()
        for pixels in (batch.pixels, batch.pixels[:, :, ::-1])
    ]
    expected = evaluation(data.test, data.classes, (logits[0] + logits[1]) / 2)
    found = score(network, data, classic(test_time_flip=True), AROUND)
    assert found.log_loss == pytest.approx(expected.log_loss, abs=1e-6)
    assert found.log_loss != pytest.approx(score(network, data, classic(), AROUND).log_loss, abs=1e-5)


def test_the_last_layer_learns_faster_by_its_factor(data: TrainingData) -> None:
    moved = {}
    for factor in (1.0, 10.0):
        network = small_network()
        before = network.output.weight.data().asnumpy()
        epochs_of(data, network, epochs=1, batch_size=24, head_learning_rate_factor=factor)
        moved[factor] = network.output.weight.data().asnumpy() - before
    assert moved[10.0] == pytest.approx(10 * moved[1.0], rel=1e-2, abs=1e-6)


def test_mirroring_half_of_the_images_changes_the_training(data: TrainingData) -> None:
    plain, flipped = (without_time(epochs_of(data, horizontal_flip=flip)) for flip in (False, True))
    assert plain != flipped
    assert flipped == without_time(epochs_of(data, horizontal_flip=True))


def test_a_network_that_can_learn_does_learn(data: TrainingData) -> None:
    *epochs, _ = epochs_of(data, epochs=8, learning_rate=0.05, momentum=0.9)
    assert epochs[-1].train_loss < epochs[0].train_loss / 2


def test_a_loss_that_is_not_finite_ends_the_training_with_that_reason(data: TrainingData) -> None:
    with pytest.raises(TrainingDiverged, match=r"the training loss became (nan|inf) in epoch 1"):
        epochs_of(data, learning_rate=1e20, batch_size=8)


def test_a_signal_stops_between_two_batches(data: TrainingData) -> None:
    batches = []

    def check() -> None:
        batches.append(1)
        if len(batches) == 3:
            raise Interrupted(signal.SIGTERM)

    with pytest.raises(Interrupted) as stopped:
        epochs_of(data, around=replace(AROUND, check_stop=check))
    assert stopped.value.exit_status == 143
    assert len(batches) == 3
