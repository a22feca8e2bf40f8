"""Compute the gradients of one batch by a graph that is made for training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.lower_precision import LossScale, in_lower_precision
from pipeline.network import leaves
from pipeline.precision import Precision
from pipeline.runtime import mx


class Gradients:
    """A network compiled for training by itself; the network stays as it is and shares parameters."""

    def __init__(self, network: Any, size: int, device: Any, precision: Precision = "float32") -> None:
        layers = mx.gluon.nn.HybridSequential()
        layers.add(*network.features, network.output)
        self._loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
        self._scale = LossScale() if precision == "float16" else None
        with in_training_form(network):  # the graph is made in the first pass
            self._graph = layers if precision == "float32" else in_lower_precision(layers, precision)
            self._graph.hybridize(static_alloc=True)
            self._graph(mx.nd.zeros((1, 3, size, size), ctx=device)).wait_to_read()

    def __call__(self, images: Any, targets: Any) -> tuple[Any, Any]:
        """Compute the gradients of the batch; return the losses (N,) and the logits (N, classes)."""
        with mx.autograd.record():
            logits = self._graph(images)
            losses = self._loss(logits, targets)
        losses.backward(mx.nd.ones_like(losses) * self._scale.factor if self._scale else None)
        return losses, logits

    def update(self, trainer: Any, images: int) -> None:
        """Make one update of the parameters from the gradients of a batch of so many images."""
        if self._scale:
            self._scale.update(trainer, self._graph.collect_params().values(), images)
        else:
            trainer.step(images)


@contextmanager
def in_training_form(network: Any) -> Iterator[None]:
    """Let layers that have a form for training take it in the graphs that are compiled meanwhile."""
    layers = [leaf for leaf in leaves(network) if hasattr(leaf, "training_form")]
    for layer in layers:
        layer.training_form = True
    try:
        yield
    finally:
        for layer in layers:
            layer.training_form = False
