"""One training by Whisker's `fit_all_layers`, in a process of its own: the counterpart of `plain_recipe`.

    python -m benchmarks.whisker_recipe FOLDER BACKBONE EPOCHS DEVICE IMAGES

Prints the same JSON documents. The pass over the test images is left out of an epoch's time, as there.
"""

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.photos import training_data
from pipeline.backbones import backbone_named
from pipeline.errors import WeightsError
from pipeline.network import pretrained_network, scratch_network
from pipeline.pretrained.weights import find_weights
from pipeline.recipes import recipe_named
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.surroundings import Surroundings
from pipeline.train import fit_all_layers


def main(folder: str, name: str, epochs: int, device: str, images: int) -> None:
    """Train and print the images per second of each epoch, and last the peak memory."""
    clock = TrainingClock()
    context = mx.gpu() if device == "gpu" else mx.cpu()
    around = Surroundings(context, 0, lambda: None, clock.progress)
    data = training_data(Path(folder), images, name)
    if images:
        data = replace(data, test=data.test[:32])
    recipe = replace(recipe_named("classic"), epochs=epochs)
    clock.started = time.perf_counter()
    for event in fit_all_layers(network_of(name, context), data, recipe, around):
        if isinstance(event, EpochMetrics):
            report = {"epoch": event.epoch, "images_per_second": len(data.train) / clock.seconds}
            print(json.dumps({**report, "loss": event.train_loss, "test_accuracy": event.test_accuracy}))
            clock.started = time.perf_counter()
    print(json.dumps({"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


def network_of(name: str, context: Any) -> Any:
    """Return the network with its weights where they are at hand, else from Xavier: the speed is the same."""
    backbone = backbone_named(name)
    try:
        weights = find_weights(backbone, Path("nowhere"), download=False)
    except WeightsError:
        return scratch_network(backbone, 2, context, 0)
    return pretrained_network(backbone, 2, weights, context, 0)


class TrainingClock:
    """Holds the seconds from the start of an epoch to the start of its test images."""

    started = 0.0
    seconds = 0.0

    def progress(self, stage: str, _done: int, _total: int) -> None:
        """Take the time as long as training images pass."""
        if stage.startswith("epoch"):
            mx.nd.waitall()
            self.seconds = time.perf_counter() - self.started


if __name__ == "__main__":
    folder, name, epochs, device, images = sys.argv[1:]
    main(folder, name, int(epochs), device, int(images))
