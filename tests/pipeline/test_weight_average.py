"""Averages of weights."""

from typing import Any

import numpy as np
import pytest

from pipeline.runtime import mx
from pipeline.weight_average import WeightAverage, set_weights, weights_of


def network() -> Any:
    layers = mx.gluon.nn.HybridSequential()
    layers.add(mx.gluon.nn.Dense(1, in_units=2, use_bias=False), mx.gluon.nn.BatchNorm(in_channels=1))
    layers.initialize(mx.init.Zero())
    return layers


def weight(layers: Any) -> list[float]:
    values: list[float] = layers[0].weight.data().asnumpy().ravel().tolist()
    return values


def set_weight(layers: Any, *values: float) -> None:
    layers[0].weight.set_data(mx.nd.array([values]))


def test_it_holds_what_is_trained_and_not_the_statistics_of_batch_norm() -> None:
    assert set(weights_of(network())) == {"0.weight", "1.gamma", "1.beta"}


def test_the_first_updates_move_it_fast_and_later_ones_by_what_the_decay_leaves() -> None:
    layers = network()
    average = WeightAverage(layers, 0.9)
    expected = np.zeros(2)
    for update in range(1, 200):
        set_weight(layers, update, -update)
        average.add(update)
        decay = min(0.9, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * np.array([update, -update])
    assert average.means["0.weight"].asnumpy().ravel() == pytest.approx(expected, rel=1e-5)
    assert expected[0] == pytest.approx(199 - 9, abs=0.1), "nine updates behind a weight that moves evenly"


def test_the_network_has_its_own_weights_again_after_the_average_was_in_use() -> None:
    layers = network()
    average = WeightAverage(layers, 0.5)
    set_weight(layers, 4.0, 8.0)
    with pytest.raises(RuntimeError, match="while it was in use"), average.in_use():
        assert weight(layers) == [0.0, 0.0]
        raise RuntimeError("while it was in use")
    assert weight(layers) == [4.0, 8.0]


def test_it_goes_on_from_what_a_checkpoint_held() -> None:
    layers = network()
    average, again = WeightAverage(layers, 0.5), WeightAverage(layers, 0.5)
    set_weight(layers, 4.0, 8.0)
    average.add(100)
    again.restore(average.arrays())
    set_weights(layers, again.means)
    assert weight(layers) == [2.0, 4.0]
    again.means["0.weight"][:] = 9
    assert weight(layers) == [2.0, 4.0], "a copy"
