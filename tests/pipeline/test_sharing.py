"""Training on several devices: here these are contexts on the CPU.

None of them is `cpu(0)`, which is MXNet's current context, so what asks for "the" value of a parameter fails
as it would on GPUs.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.backbones import Backbone
from pipeline.batch_norm import average_statistics
from pipeline.checkpoint import Checkpoints
from pipeline.engine_settings import FrozenSettings
from pipeline.lower_precision import LossScale
from pipeline.network import get_head, on_one_device, scratch_network
from pipeline.recipes import recipe_named
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.score import score
from pipeline.sharing import Sharing
from pipeline.surroundings import Surroundings
from pipeline.train import fit_all_layers, trainer_of
from pipeline.train_head import fit_on_features
from pipeline.training_data import TrainingData
from tests import tiny
from tests.pipeline.pictures import save_tinted_pictures
from tests.pipeline.training import AROUND, classic, data_of, metrics, small_backbone

RECIPE = classic(
    epochs=2, batch_size=7, learning_rate=0.02, momentum=0.9, horizontal_flip=True, batch_norm_batches=2
)


def tiny_backbone() -> Backbone:
    preprocessing = replace(small_backbone().preprocessing, size=tiny.SIZE, short_side=tiny.SIZE + 4)
    return replace(small_backbone(), name="tiny", build=tiny.build, preprocessing=preprocessing)


@pytest.fixture(scope="module")
def data(drawn: Path) -> TrainingData:
    return data_of(drawn, tiny_backbone())


def devices(number: int, kvstore: str = "device") -> Surroundings:
    contexts = tuple(mx.cpu(1 + index) for index in range(number))
    return replace(AROUND, device=contexts[0], shared=Sharing(contexts, kvstore))


def network_on(around: Surroundings, backbone: Backbone | None = None) -> Any:
    return scratch_network(backbone or tiny_backbone(), 2, around.sharing.contexts, 0)


def events(
    network: Any, data: TrainingData, around: Surroundings, folder: Path | None = None, **changes: Any
) -> Iterator[Any]:
    checkpoints = Checkpoints(folder, "a training", {}) if folder else None
    if checkpoints:
        checkpoints.look()
    return fit_all_layers(network, data, replace(RECIPE, **changes), around, checkpoints)


def values(network: Any) -> list[Array]:
    """Return all parameters and statistics, after a look that they have the same bits on all devices."""
    parameters = list(network.collect_params().values())
    for parameter in parameters:
        first, *others = (array.asnumpy() for array in parameter.list_data())
        assert all((first == other).all() for other in others), parameter.name
    return [parameter.list_data()[0].asnumpy() for parameter in parameters]


def assert_alike(network: Any, expected: Any, within: float = 1e-5) -> None:
    for found, wanted in zip(values(network), values(expected), strict=True):
        assert found == pytest.approx(wanted, rel=within, abs=within)


@pytest.mark.parametrize(
    ("number", "parts", "kvstore"), [(2, 1, "device"), (3, 2, "device"), (5, 1, "local"), (2, 1, "local")]
)
def test_devices_train_as_one_does_with_as_many_parts_of_a_batch(
    data: TrainingData, number: int, parts: int, kvstore: str
) -> None:
    """24 images in batches of 7 end in one of 3, which leaves two of five devices without an image."""
    around = devices(number, kvstore)
    shared, alone = network_on(around), network_on(AROUND)
    found = metrics(list(events(shared, data, around, gradient_parts=parts)))
    expected = metrics(list(events(alone, data, AROUND, gradient_parts=parts * number)))
    assert found == pytest.approx(expected, rel=1e-5)
    assert_alike(shared, alone)


def test_a_network_of_the_zoo_trains_on_two_devices_as_on_one(drawn: Path) -> None:
    data, around = data_of(drawn, small_backbone()), devices(2)
    shared, alone = (network_on(where, small_backbone()) for where in (around, AROUND))
    found = metrics(list(events(shared, data, around, epochs=1, batch_size=12)))
    expected = metrics(list(events(alone, data, AROUND, epochs=1, batch_size=12, gradient_parts=2)))
    assert found == pytest.approx(expected, rel=1e-4)
    assert_alike(shared, alone, 1e-4)


@pytest.mark.parametrize(
    ("phase", "settings"),
    [("last stage", {"last_stage_epochs": 2}), ("all layers", {"trains": "head, then all layers"})],
)
def test_what_is_trained_after_the_head_is_the_same_on_two_devices(
    tmp_path: Path, phase: str, settings: dict[str, Any]
) -> None:
    save_tinted_pictures(tmp_path)
    data, results = data_of(tmp_path, tiny_backbone()), []
    recipe = replace(
        recipe_named("fast"), epochs=2, batch_size=8, head_strengths=(1e-5,), learning_rate=0.1,
        last_stage_learning_rate=0.1, **settings,
    )  # fmt: skip
    for around in (devices(2), AROUND):
        network = network_on(around)
        found = list(fit_on_features(network, 6, data, recipe, around, FrozenSettings("mxnet")))
        assert [e.phase for e in found if isinstance(e, EpochMetrics)][-1] == phase
        results.append((network, metrics(found)))
    (shared, shared_metrics), (alone, expected) = results
    assert shared_metrics == pytest.approx(expected, rel=1e-4)
    assert_alike(shared, alone, 1e-4)


@pytest.mark.parametrize(("first", "then"), [(2, 2), (1, 2), (2, 1)])
def test_a_training_that_is_cut_off_goes_on_with_as_many_devices_or_with_others(
    data: TrainingData, tmp_path: Path, first: int, then: int
) -> None:
    around = {1: AROUND, 2: devices(2)}
    parts = {1: 2, 2: 1}
    whole, cut, resumed = (network_on(around[number]) for number in (then, first, then))
    *_, expected = events(whole, data, around[then], gradient_parts=parts[then])
    next(events(cut, data, around[first], tmp_path, gradient_parts=parts[first]))
    *epochs, found = events(resumed, data, around[then], tmp_path, gradient_parts=parts[then])
    assert [epoch.epoch for epoch in epochs] == [2]
    if first == then:
        assert found == expected, "to the bit"
    assert found.log_loss == pytest.approx(expected.log_loss, rel=1e-5)
    assert_alike(resumed, whole)


def test_the_running_averages_of_batch_norm_become_their_means_over_the_devices(data: TrainingData) -> None:
    around = devices(2)
    network = network_on(around)
    running = network.features[1].running_mean
    for value, array in enumerate(running.list_data()):
        array[:] = value
    average_statistics(network, around.sharing)
    assert {tuple(array.asnumpy()) for array in running.list_data()} == {(0.5,) * 8}
    next(events(network, data, around, batch_norm_batches=0))
    assert len(values(network)) > 0, "the same on both after an epoch"


def test_a_gradient_that_is_not_finite_on_one_device_is_no_update_on_any(data: TrainingData) -> None:
    around = devices(2)
    network = network_on(around)
    trainer, before = trainer_of(network, RECIPE, around.sharing), values(network)
    for context in around.sharing.contexts:
        with mx.autograd.record():
            losses = network(mx.nd.ones((2, 3, tiny.SIZE, tiny.SIZE), ctx=context))
        losses.backward()
    network.output.weight.list_grad()[1][:] = np.inf
    trainer.allreduce_grads()
    LossScale().update(trainer, network.collect_params().values(), 4)
    weight = network.output.weight.name
    names = [parameter.name for parameter in network.collect_params().values()]
    assert (values_of_trained(network)[weight] == before[names.index(weight)]).all()


def values_of_trained(network: Any) -> dict[str, Array]:
    trained = [p for p in network.collect_params().values() if p.grad_req != "null"]
    return {p.name: np.stack([array.asnumpy() for array in p.list_data()]) for p in trained}


def test_a_network_that_is_left_to_one_device_says_the_same_there(data: TrainingData) -> None:
    around = devices(3)
    network = network_on(around)
    *_, expected = events(network, data, around)
    before = values(network)
    on_one_device(network, around.device)
    assert network.output.weight.list_ctx() == [mx.cpu(1)]
    assert all((one == other).all() for one, other in zip(values(network), before, strict=True))
    found = score(network, data, RECIPE, replace(AROUND, device=mx.cpu(1)))
    assert found.log_loss == pytest.approx(expected.log_loss, rel=1e-6)
    assert (get_head(network).weight == network.output.weight.data().asnumpy()).all()
