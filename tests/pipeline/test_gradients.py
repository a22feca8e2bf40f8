"""Gradients of one batch."""

from typing import Any

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.classifier import ImageClassifier
from pipeline.efficientnet import build_efficientnet
from pipeline.gradients import Gradients, in_training_form
from pipeline.network import leaves
from pipeline.runtime import mx
from tests.pipeline.training import small_network

CROSS_ENTROPY = mx.gluon.loss.SoftmaxCrossEntropyLoss()
TARGETS = mx.nd.array([0, 1, 1, 0])


def batch(size: int) -> Any:
    noise = np.random.default_rng(0).standard_normal((4, 3, size, size))
    return mx.nd.array(noise.astype(np.float32))


def state(network: Any) -> dict[str, Array]:
    """Return all gradients and all running statistics."""
    return {
        name: (p.data() if p.grad_req == "null" else p.grad()).asnumpy()
        for name, p in network._collect_params_with_prefix().items()
    }


def plain(network: Any, images: Any) -> Any:
    with mx.autograd.record():
        logits = network(images)
        losses = CROSS_ENTROPY(logits, TARGETS)
    losses.backward()
    return losses


def test_they_and_the_running_statistics_are_those_of_the_network_itself_to_the_bit() -> None:
    expected_network, network = small_network(), small_network()
    expected = plain(expected_network, batch(64)).asnumpy()
    losses, logits = Gradients(network, 64, mx.cpu())(batch(64), TARGETS)
    assert (losses.asnumpy() == expected).all()
    assert logits.shape == (4, 2)
    for name, values in state(expected_network).items():
        assert (state(network)[name] == values).all(), name


def test_as_used_they_are_those_of_the_network_that_judges_and_batch_norm_keeps_its_statistics() -> None:
    """Each is compared with what the loss does when a parameter is moved a little."""
    network = with_statistics()
    images = batch(8)
    gradients = Gradients(network, 8, mx.cpu(), as_used=True)
    before = state(network)
    losses, _ = gradients(images, TARGETS)
    assert losses.asnumpy() == pytest.approx(CROSS_ENTROPY(network(images), TARGETS).asnumpy(), abs=1e-6)
    for name, parameter in network._collect_params_with_prefix().items():
        if parameter.grad_req == "null":
            assert (state(network)[name] == before[name]).all(), "the statistics"
            continue
        expected = slope(network, parameter, images)
        assert state(network)[name].ravel()[0] == pytest.approx(expected, rel=0.02, abs=2e-3), name


def with_statistics() -> Any:
    """Return a network of one convolution and BatchNorm, whose statistics are not those of any batch."""
    mx.random.seed(0)
    network = ImageClassifier(mx.gluon.nn.HybridSequential(), 2, "")
    network.features.add(
        mx.gluon.nn.Conv2D(4, 3),
        mx.gluon.nn.BatchNorm(),
        mx.gluon.nn.GlobalAvgPool2D(),
        mx.gluon.nn.Flatten(),
    )
    network.initialize(mx.init.Xavier(magnitude=10))
    network(batch(8))
    norm = network.features[1]
    for parameter, values in ((norm.running_mean, [1, -1, 0.5, 2]), (norm.running_var, [2, 0.5, 4, 1])):
        parameter.set_data(mx.nd.array(values))
    norm.gamma.set_data(mx.nd.array([1, 2, -1, 0.5]))
    return network


def slope(network: Any, parameter: Any, images: Any, step: float = 0.01) -> float:
    """Return how the summed loss changes with the first value of a parameter."""
    values = parameter.data().asnumpy()
    sums = []
    for sign in (1, -1):
        moved = values.copy()
        moved.ravel()[0] += sign * step
        parameter.set_data(mx.nd.array(moved))
        sums.append(float(CROSS_ENTROPY(network(images), TARGETS).sum().asscalar()))
    parameter.set_data(mx.nd.array(values))
    return (sums[0] - sums[1]) / (2 * step)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_in_two_parts_is_the_same_function(stride: int) -> None:
    from pipeline.efficientnet import SameConv2D

    results = []
    for training_form in (False, True):
        mx.random.seed(0)
        layer = SameConv2D(8, 5, 14, stride, groups=8)
        layer.initialize(mx.init.Xavier())
        images = mx.nd.array(np.random.default_rng(1).standard_normal((2, 8, 14, 14)))
        layer(images)
        images.attach_grad()
        layer.training_form = training_form
        with mx.autograd.record():
            output = layer(images)
            total = (output * output).sum()
        total.backward()
        results.append([a.asnumpy() for a in (output, images.grad, layer.weight.grad())])
    for one, two in zip(*results, strict=True):
        assert one.shape == two.shape
        assert one == pytest.approx(two, abs=1e-4)


def test_the_form_for_training_ends_with_the_block() -> None:
    network = build_efficientnet("efficientnet_lite0", 2)
    layers = [leaf for leaf in leaves(network) if hasattr(leaf, "training_form")]
    with in_training_form(network):
        assert all(layer.training_form for layer in layers)
    assert layers
    assert not any(layer.training_form for layer in layers)
