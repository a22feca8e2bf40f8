"""Why a network trained from scratch for a short time is judged wrongly, and what mends it.

BatchNorm trains on the statistics of each batch and is judged on running averages of them. This script
trains EfficientNet-Lite0 from Xavier and judges it after each epoch in two ways: on the running averages as
they are, and on averages settled by one more pass over training images, for two values of the momentum.

    python -m benchmarks.batch_norm PHOTOS [IMAGES] [EPOCHS]
"""

import platform
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.photos import training_data
from pipeline.decode import normalise
from pipeline.efficientnet import build_efficientnet
from pipeline.recipes import baseline_of, recipe_named
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.train import Surroundings, TrainingData, fit_all_layers, score


def main(photos: Path, images: int, epochs: int) -> None:
    """Print one line for each momentum and epoch."""
    print(f"machine: {platform.processor() or platform.machine()}, {images} training images, batches of 32")
    print("test accuracy and log loss: on running averages / on settled ones")
    print("momentum  epoch  train accuracy   test accuracy     test log loss")
    for momentum in (0.99, 0.9):
        measure(training_data(photos, images), momentum, epochs)


def measure(data: TrainingData, momentum: float, epochs: int) -> None:
    """Train once and print what each way of judging says after each epoch."""
    recipe = replace(baseline_of(recipe_named("fast")), epochs=epochs)
    around = Surroundings(mx.cpu(), 0, lambda: None)
    mx.random.seed(0)
    network = build_efficientnet("efficientnet_lite0", 2, momentum=momentum)
    network.initialize(mx.init.Xavier())
    network.hybridize(static_alloc=True)
    for event in fit_all_layers(network, data, recipe, around):
        if not isinstance(event, EpochMetrics):
            continue
        kept = {name: p.data().copy() for name, p in network.collect_params().items()}
        settle(network, data)
        settled = score(network, data, recipe, around)
        for name, parameter in network.collect_params().items():
            parameter.set_data(kept[name])
        print(
            f"{momentum:8}  {event.epoch:5}  {event.train_accuracy:14.3f}"
            f"   {event.test_accuracy:.3f} / {settled.accuracy:.3f}"
            f"     {event.test_loss:.3f} / {settled.log_loss:.3f}",
            flush=True,
        )


def settle(network: Any, data: TrainingData, batches: int = 16) -> None:
    """Replace the running averages by plain averages over some batches of training images.

    The images pass in training mode, so each layer sees what it saw in training; a hook takes the
    statistics, since MXNet moves its own only in a backward pass.
    """
    norms = [leaf for leaf in _leaves(network) if isinstance(leaf, mx.gluon.nn.BatchNorm)]
    sums: dict[str, list[Any]] = {norm.name: [] for norm in norms}

    def take(norm: Any, inputs: Any) -> None:
        pixels = inputs[0].transpose((1, 0, 2, 3)).reshape((inputs[0].shape[1], -1))
        mean = pixels.mean(axis=1)
        sums[norm.name].append((mean, ((pixels - mean.expand_dims(1)) ** 2).mean(axis=1)))

    network.hybridize(active=False)
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    for batch in data.reader.batches(data.train[: 32 * batches], 32):
        with mx.autograd.train_mode():
            network(mx.nd.array(normalise(batch.pixels, data.reader.preprocessing))).wait_to_read()
    for hook in hooks:
        hook.detach()
    for norm in norms:
        taken = sums[norm.name]
        norm.running_mean.set_data(sum(mean for mean, _ in taken) / len(taken))
        norm.running_var.set_data(sum(variance for _, variance in taken) / len(taken))
    network.hybridize(static_alloc=True)


def _leaves(block: Any) -> list[Any]:
    children = list(block._children.values())
    return [leaf for child in children for leaf in _leaves(child)] if children else [block]


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        Path(arguments[0]),
        int(arguments[1]) if arguments[1:] else 1000,
        int(arguments[2]) if arguments[2:] else 3,
    )
