"""Gradients of one batch."""

from typing import Any

import numpy as np
import pytest

from pipeline.arrays import Array
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
