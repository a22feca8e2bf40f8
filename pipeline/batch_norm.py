"""Settle the statistics of BatchNorm before a network that was trained for a short time is judged.

BatchNorm trains on the statistics of each batch and is judged on running averages of them. These lag behind
weights that move fast, and after few updates they still hold their initial values. Plain averages over some
batches, taken with the weights at rest, do not. Source: Wu and Johnson (2021), "Rethinking 'Batch' in
BatchNorm", arXiv 2105.07576, section 3 ("precise BN").
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.errors import TrainingDiverged
from pipeline.network import leaves
from pipeline.runtime import mx
from pipeline.sharing import Sharing


def settle_batch_norm(
    network: Any,
    batches: Iterable[Array],
    device: Any,
    check_stop: Callable[[], None],
    total: Callable[[Array], Array] = lambda values: values,
) -> None:
    """Replace the running averages by plain averages over some batches of training images.

    The images pass in training mode, so each layer sees what it saw in training. A hook takes the
    statistics, since MXNet moves its own only in a backward pass.

    Args:
        network: in Gluon, on `device` and perhaps on others; it is compiled again afterwards.
        batches: normalised images, each float32 (N, 3, S, S).
        device: an `mx.Context`.
        check_stop: called before each batch; raises to stop.
        total: returns sums over all processes that have batches of their own, see `Sharing.total`.

    Raises:
        TrainingDiverged: an activation is not finite, or so large that its variance is not.
    """
    norms = [leaf for leaf in leaves(network) if isinstance(leaf, mx.gluon.nn.BatchNorm)]
    sums: dict[str, Array] = {norm.name: np.zeros((2, *norm.running_mean.shape)) for norm in norms}

    def add(norm: Any, inputs: Any) -> None:
        sums[norm.name] = sums[norm.name] + _moments(inputs[0].asnumpy())

    network.hybridize(active=False)  # hooks see no single layers inside a compiled graph
    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    count = 0
    for count, images in enumerate(batches, start=1):  # noqa: B007 (the count is what is wanted)
        check_stop()
        with mx.autograd.train_mode():
            network(mx.nd.array(images, ctx=device)).wait_to_read()
    for hook in hooks:
        hook.detach()
    count = int(total(np.array([count]))[0])
    for norm in norms if count else ():
        mean, variance = total(sums[norm.name]) / count
        if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
            raise TrainingDiverged(
                f"the activations before {norm.name} are no longer finite; choose a smaller learning rate"
            )
        norm.running_mean.set_data(mx.nd.array(mean))
        norm.running_var.set_data(mx.nd.array(variance))
    network.hybridize(static_alloc=True)


def average_statistics(network: Any, sharing: Sharing) -> None:
    """Give all devices the means of their running averages, which are those of each one's own parts."""
    kept = [p for p in network.collect_params().values() if p.grad_req == "null"]
    if not (sharing.is_shared and kept):
        return
    sums = [sum(values.asnumpy().astype(np.float64) for values in p.list_data()) for p in kept]
    means = sharing.total(np.concatenate(sums)) / sharing.devices
    for parameter, mean in zip(kept, np.split(means, np.cumsum([len(s) for s in sums])[:-1]), strict=True):
        parameter.set_data(mx.nd.array(mean))


def _moments(activations: Array) -> Array:
    """Return mean and variance of each channel, float64 (2, C), of activations (N, C, H, W) or (N, C).

    In numpy, since MXNet's reductions over these axes take ten times longer on the CPU.
    """
    flat = activations.reshape(*activations.shape[:2], -1)
    with np.errstate(over="ignore", invalid="ignore"):  # what diverged is told once, by the caller
        mean = flat.mean(axis=2, dtype=np.float64).mean(axis=0)
        square = np.einsum("nci,nci->nc", flat, flat).astype(np.float64).mean(axis=0) / flat.shape[2]
        return np.stack([mean, np.maximum(square - mean**2, 0.0)])
