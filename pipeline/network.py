"""Build networks: a pretrained backbone under a new last layer, or all of it from Xavier."""

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.backbones import Backbone
from pipeline.evaluate import Forward
from pipeline.head import LinearHead
from pipeline.pretrained.weights import WeightsFile, load_pretrained
from pipeline.records import Layer, NetworkStructure
from pipeline.runtime import mx


def pretrained_network(backbone: Backbone, classes: int, weights: WeightsFile, device: Any, seed: int) -> Any:
    """Return the backbone with pretrained features and a new `output` layer from Xavier.

    Args:
        backbone: which network.
        classes: number of classes.
        weights: the pretrained weights.
        device: an `mx.Context`, or several.
        seed: of the new layer's initial values.

    Raises:
        WeightsError: the file does not fit the backbone.
    """
    network = _new(backbone, classes, seed)
    load_pretrained(network, backbone, weights, device)
    network.output.initialize(mx.init.Xavier(), ctx=device)
    return _ready(network, backbone)


def scratch_network(backbone: Backbone, classes: int, device: Any, seed: int) -> Any:
    """Return the same network with all parameters from Xavier."""
    network = _new(backbone, classes, seed)
    network.initialize(mx.init.Xavier(), ctx=device)
    return _ready(network, backbone)


def _new(backbone: Backbone, classes: int, seed: int) -> Any:
    """Build a network, after the memory of those that are not used any more was given back.

    Gluon's blocks refer to each other in circles. Python frees these only when it has made many new objects,
    and a training makes few: so the first run's network would keep its gigabytes through the whole baseline.
    """
    gc.collect()
    mx.random.seed(seed)
    return backbone.build(classes)


def _ready(network: Any, backbone: Backbone) -> Any:
    """Hybridise, and settle the shapes that Gluon defers to the first forward pass."""
    network.hybridize(static_alloc=True)
    size, device = backbone.preprocessing.size, network.output.weight.list_ctx()[0]
    network(mx.nd.zeros((1, 3, size, size), ctx=device)).wait_to_read()
    return network


def forward_of(block: Any, device: Any) -> Forward:
    """Return a function from normalised images, float32 (N, 3, S, S), to the block's output as numpy."""

    def forward(images: Array) -> Array:
        output: Array = block(mx.nd.array(images, ctx=device)).asnumpy()
        return output

    return forward


def forward_on(block: Any, contexts: Sequence[Any]) -> Forward:
    """Return the same function, by several contexts that compute a part of the images each."""
    if len(contexts) == 1:
        return forward_of(block, contexts[0])

    def forward(images: Array) -> Array:
        parts = [part for part in np.array_split(images, len(contexts)) if len(part)]
        outputs = [
            block(mx.nd.array(part, ctx=context)) for part, context in zip(parts, contexts, strict=False)
        ]
        return np.concatenate([output.asnumpy() for output in outputs])

    return forward


def on_one_device(network: Any, device: Any) -> None:
    """Leave a network that was trained on several devices to one of them, as it is there."""
    for parameter in network.collect_params().values():
        values = parameter.data(device).copy()  # what `reset_ctx` gives is a mean, and rounded
        parameter.reset_ctx(device)
        parameter.set_data(values)


def split_features(network: Any, at: int) -> tuple[Any, Any]:
    """Return (trunk, last stage): the layers of `network.features` before `at` and from there on.

    Both share their parameters with the network.
    """
    trunk, last_stage = network.features[:at], network.features[at:]
    for part in (trunk, last_stage):
        part.hybridize(static_alloc=True)
    return trunk, last_stage


def set_head(network: Any, head: LinearHead) -> None:
    """Make a fitted head the network's last layer."""
    network.output.weight.set_data(mx.nd.array(head.weight))
    network.output.bias.set_data(mx.nd.array(head.bias))


def get_head(network: Any) -> LinearHead:
    """Return the network's last layer."""
    weight, bias = (p.list_data()[0].asnumpy() for p in (network.output.weight, network.output.bias))
    return LinearHead(weight, bias)


def describe(network: Any, size: int, device: Any) -> NetworkStructure:
    """Return the layers of a network for images of `size` x `size`, and its first convolution's filters."""
    network.hybridize(active=False)  # hooks see no single layers inside a compiled graph
    layers: list[Layer] = []
    hooks = [leaf.register_forward_hook(_recorder(layers)) for leaf in leaves(network)]
    network(mx.nd.zeros((1, 3, size, size), ctx=device)).wait_to_read()
    for hook in hooks:
        hook.detach()
    network.hybridize(static_alloc=True)
    return NetworkStructure(tuple(layers), network.output.name, _first_filters(network))


def leaves(block: Any) -> Iterator[Any]:
    """Yield the blocks that hold no others, in the order of construction."""
    children = list(block._children.values())  # Gluon has no public way to walk the blocks
    if not children:
        yield block
    for child in children:
        yield from leaves(child)


def _recorder(layers: list[Layer]) -> Any:
    def record(block: Any, _inputs: Any, output: Any) -> None:
        parameters = sum(int(np.prod(p.shape)) for p in block._reg_params.values())
        layers.append(Layer(block.name, type(block).__name__, tuple(output.shape[1:]), parameters))

    return record


def _first_filters(network: Any) -> tuple[Any, ...]:
    """Return the first convolution over RGB as nested lists (filters, height, width, 3), each filter 0..1."""
    for leaf in leaves(network):
        weight = leaf._reg_params.get("weight")
        if weight is not None and len(weight.shape) == 4 and weight.shape[1] == 3:
            values = weight.list_data()[0].asnumpy().transpose(0, 2, 3, 1)
            low = values.min(axis=(1, 2, 3), keepdims=True)
            spread = np.maximum(values.max(axis=(1, 2, 3), keepdims=True) - low, 1e-12)
            return tuple(((values - low) / spread).round(4).tolist())
    return ()
