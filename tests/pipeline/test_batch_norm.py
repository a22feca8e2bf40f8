"""Settled statistics of BatchNorm."""

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.batch_norm import settle_batch_norm
from pipeline.errors import TrainingDiverged
from pipeline.network import forward_of, leaves
from pipeline.runtime import mx
from tests.pipeline.training import AROUND, small_network


def images(seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=(8, 3, 64, 64)).astype(np.float32)


def test_one_batch_makes_the_network_say_in_use_what_it_says_in_training() -> None:
    network = small_network()
    batch = images(0)
    with mx.autograd.train_mode():
        in_training = network(mx.nd.array(batch)).asnumpy()
    settle_batch_norm(network, [batch], mx.cpu(), AROUND.check_stop)
    assert forward_of(network, mx.cpu())(batch) == pytest.approx(in_training, abs=1e-3)


def test_several_batches_count_alike() -> None:
    network = small_network()
    batches = [images(1), images(2) * 3 + 1]
    settle_batch_norm(network, batches, mx.cpu(), AROUND.check_stop)
    first = next(leaf for leaf in leaves(network) if isinstance(leaf, mx.gluon.nn.BatchNorm))
    convolution = network.features[0]
    outputs = [convolution(mx.nd.array(batch)).asnumpy() for batch in batches]
    mean = np.mean([output.mean(axis=(0, 2, 3)) for output in outputs], axis=0)
    variance = np.mean([output.var(axis=(0, 2, 3)) for output in outputs], axis=0)
    assert first.running_mean.data().asnumpy() == pytest.approx(mean, abs=1e-4)
    assert first.running_var.data().asnumpy() == pytest.approx(variance, rel=1e-3)


def test_without_a_batch_nothing_changes() -> None:
    network = small_network()
    before = forward_of(network, mx.cpu())(images(0))
    settle_batch_norm(network, [], mx.cpu(), AROUND.check_stop)
    assert (forward_of(network, mx.cpu())(images(0)) == before).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
def test_activations_that_are_not_finite_end_the_training_with_the_reason(value: float) -> None:
    batch = images(0)
    batch[0, 0, 5, 5] = value
    with pytest.raises(TrainingDiverged, match="no longer finite; choose a smaller learning rate"):
        settle_batch_norm(small_network(), [batch], mx.cpu(), AROUND.check_stop)


def test_batches_of_several_processes_count_as_if_one_had_them_all() -> None:
    """Each of them adds up what it has, and takes the sums of all."""
    alone, shared = small_network(), small_network()
    batches = [images(1), images(2) * 3 + 1, images(3)]
    settle_batch_norm(alone, batches, mx.cpu(), AROUND.check_stop)
    sums: list[Array] = []
    settle_batch_norm(small_network(), batches[2:], mx.cpu(), AROUND.check_stop, lambda own: keep(sums, own))
    others = iter(sums)
    settle_batch_norm(shared, batches[:2], mx.cpu(), AROUND.check_stop, lambda own: own + next(others))
    for one, other in zip(leaves(alone), leaves(shared), strict=True):
        if isinstance(one, mx.gluon.nn.BatchNorm):
            assert other.running_mean.data().asnumpy() == pytest.approx(
                one.running_mean.data().asnumpy(), abs=1e-5
            )
            assert other.running_var.data().asnumpy() == pytest.approx(
                one.running_var.data().asnumpy(), rel=1e-4
            )


def keep(sums: list[Array], own: Array) -> Array:
    sums.append(own)
    return own
