"""Compute the gradients of one batch by a graph that is made for training."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.lower_precision import LossScale, in_lower_precision
from pipeline.network import leaves
from pipeline.precision import Precision
from pipeline.runtime import mx
from pipeline.sharing import leave_nobody_out


class Gradients:
    """A network compiled for training by itself; the network stays as it is and shares parameters."""

    def __init__(
        self,
        network: Any,
        size: int,
        device: Any,
        precision: Precision = "float32",
        *,
        parts: int = 1,
        as_used: bool = False,
    ) -> None:
        """Compile the network.

        Args:
            network: in Gluon, on `device` and perhaps on others.
            size: its images are (N, 3, size, size).
            device: an `mx.Context`.
            precision: of computing.
            parts: so many make up a batch, on all devices together.
            as_used: compute as where the network is used: BatchNorm by its running statistics, which stay as
                they are, and without drop-out.
        """
        self._as_used = as_used
        layers = mx.gluon.nn.HybridSequential()
        layers.add(*network.features, network.output)
        self._loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
        self._scale = LossScale() if precision == "float16" else None
        self._adding = add_gradients(layers.collect_params().values()) if parts > 1 else []
        with in_training_form(network):  # the graph is made in the first pass
            self._graph = layers if precision == "float32" else in_lower_precision(layers, precision)
            self._graph.hybridize(static_alloc=True)
            self._graph(mx.nd.zeros((1, 3, size, size), ctx=device)).wait_to_read()

    def __call__(self, images: Any, targets: Any) -> tuple[Any, Any]:
        """Compute the gradients of a batch, or add those of a part of it to those of the parts before.

        Parts give the sums that the whole batch gives, up to rounding; only BatchNorm, where it trains on
        the statistics of a batch, takes those of a part.

        Returns:
            The losses (N,) and the logits (N, classes).
        """
        with mx.autograd.record(train_mode=not self._as_used):
            logits = self._graph(images)
            losses = self._loss(logits, targets)
        scale = mx.nd.ones_like(losses) * self._scale.factor if self._scale else None
        losses.backward(scale, train_mode=not self._as_used)
        return losses, logits

    def update(self, trainer: Any, images: float) -> None:
        """Make one update of the parameters from the gradients of a batch of so many images."""
        leave_nobody_out(self._adding)
        trainer.allreduce_grads()
        if self._scale:
            self._scale.update(trainer, self._graph.collect_params().values(), images)
        else:
            trainer.update(images)
        clear_gradients(self._adding)


def add_gradients(parameters: Iterable[Any]) -> list[Any]:
    """Let backward passes add to the gradients of parameters; return those that are trained."""
    trained = [parameter for parameter in parameters if parameter.grad_req != "null"]
    for parameter in trained:
        parameter.grad_req = "add"
    clear_gradients(trained)  # of what an earlier training that was cut off has left
    return trained


def clear_gradients(parameters: Iterable[Any]) -> None:
    """Begin a new sum."""
    for parameter in parameters:
        parameter.zero_grad()


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
