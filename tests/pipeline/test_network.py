"""Networks."""

import gc
import weakref
from pathlib import Path

import numpy as np

from pipeline.backbones import backbone_named
from pipeline.head import LinearHead
from pipeline.network import describe, forward_of, pretrained_network, scratch_network, set_head
from pipeline.pretrained.weights import find_weights
from pipeline.runtime import mx
from tests.pipeline.training import small_backbone, small_network


def test_the_seed_decides_the_initial_parameters() -> None:
    one, same, other = (small_network(seed) for seed in (1, 1, 2))
    values = [net.output.weight.data().asnumpy() for net in (one, same, other)]
    assert (values[0] == values[1]).all()
    assert (values[0] != values[2]).any()


def test_a_fitted_head_becomes_the_last_layer() -> None:
    network = small_network()
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    width = network.output.weight.shape[1]
    set_head(network, LinearHead(np.zeros((2, width), np.float32), np.array([1.0, -2.0], np.float32)))
    assert forward_of(network, mx.cpu())(images).tolist() == [[1, -2], [1, -2]]


def test_the_pretrained_network_keeps_its_features_and_has_a_new_last_layer() -> None:
    backbone = backbone_named("efficientnet_lite0")
    weights = find_weights(backbone, Path("nowhere"), download=False)
    network = pretrained_network(backbone, 2, weights, mx.cpu(), 0)
    scratch = scratch_network(backbone, 2, mx.cpu(), 0)
    assert network.output.weight.shape == (2, 1280)
    first, other = (next(iter(n.collect_params().values())).data().asnumpy() for n in (network, scratch))
    assert first.shape == other.shape
    assert (first != other).any()


def test_a_network_that_is_not_used_any_more_is_gone_when_the_next_one_is_built() -> None:
    gc.disable()  # it would come by chance
    try:
        earlier = small_network()
        describe(earlier, small_backbone().preprocessing.size, mx.cpu())
        gone = weakref.ref(earlier)
        del earlier
        scratch_network(small_backbone(), 2, mx.cpu(), 0)
        assert gone() is None
    finally:
        gc.enable()


def test_the_structure_names_every_layer_with_shape_and_parameters() -> None:
    network = small_network()
    structure = describe(network, 64, mx.cpu())
    kinds = {layer.kind for layer in structure.layers}
    assert {"Conv2D", "BatchNorm", "Dense"} <= kinds
    assert structure.layers[-1].name == structure.new_last_layer
    assert structure.layers[-1].output_shape == (2,)
    total = sum(int(np.prod(p.shape)) for p in network.collect_params().values())
    assert sum(layer.parameters for layer in structure.layers) == total
    assert np.shape(structure.filters)[1:] == (3, 3, 3)
    assert np.min(structure.filters) == 0
    assert np.max(structure.filters) == 1


def test_describing_a_network_does_not_change_what_it_says() -> None:
    network = small_network()
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    before = forward_of(network, mx.cpu())(images)
    describe(network, small_backbone().preprocessing.size, mx.cpu())
    assert (forward_of(network, mx.cpu())(images) == before).all()
