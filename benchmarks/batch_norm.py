"""Why a network trained from scratch for a short time is judged wrongly, and what mends it.

BatchNorm trains on the statistics of each batch and is judged on running averages of them. This script
trains EfficientNet-Lite0 from Xavier and judges it after each epoch in two ways: on the running averages as
they are, and on averages settled by one more pass over training images, for two values of the momentum.
"""

from dataclasses import replace
from pathlib import Path

from benchmarks.photos import training_data
from pipeline.batch_norm import settle_batch_norm
from pipeline.efficientnet import build_efficientnet
from pipeline.recipes import baseline_of, recipe_named
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.score import score
from pipeline.surroundings import Surroundings
from pipeline.train import fit_all_layers, some_batches
from pipeline.training_data import TrainingData

BATCH_SIZE, LEARNING_RATE = 32, 0.05  # as `classic` trains its baseline


def main(photos: Path, images: int = 640, epochs: int = 3) -> None:
    """Print a row for each momentum and epoch: what running averages say, and what settled ones say."""
    print(f"EfficientNet-Lite0 from Xavier, {images} training photos, batches of {BATCH_SIZE}.\n")
    print("| momentum | epoch | train accuracy | test accuracy | settled | log loss | settled |")
    print("|---|---|---|---|---|---|---|")
    for momentum in (0.99, 0.9):
        measure(training_data(photos, images), momentum, epochs)


def measure(data: TrainingData, momentum: float, epochs: int) -> None:
    """Train once and print what each way of judging says after each epoch."""
    settling = replace(
        baseline_of(recipe_named("fast")), epochs=epochs, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE
    )
    recipe = replace(settling, batch_norm_batches=0)
    around = Surroundings(mx.cpu(), 0, lambda: None)
    mx.random.seed(0)
    network = build_efficientnet("efficientnet_lite0", 2, momentum=momentum)
    network.initialize(mx.init.Xavier())
    network.hybridize(static_alloc=True)
    for event in fit_all_layers(network, data, recipe, around):
        if not isinstance(event, EpochMetrics):
            continue
        kept = {name: p.data().copy() for name, p in network.collect_params().items()}
        settle_batch_norm(network, some_batches(data, settling, around), around.device, around.check_stop)
        settled = score(network, data, recipe, around)
        for name, parameter in network.collect_params().items():
            parameter.set_data(kept[name])
        print(
            f"| {momentum} | {event.epoch} | {event.train_accuracy:.3f} | {event.test_accuracy:.3f} "
            f"| {settled.accuracy:.3f} | {event.test_loss:.3f} | {settled.log_loss:.3f} |"
        )
