"""Whether a store of decoded pixels would pay: an epoch on JPEGs against one on a memory-mapped file.

    python -m benchmarks.pixel_store PHOTOS

The store holds each photo as it goes into the network, uint8 (224, 224, 3), so an epoch reads and decodes
nothing. Both epochs are `fit_all_layers` of `classic` in this process, in turn; building the store does not
count. Reading alone is timed, too: that is the most that a store could save if nothing ran beside it.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.photos import training_data
from benchmarks.whisker_recipe import TrainingClock, network_of
from pipeline.reader import Batch, ImageReader
from pipeline.recipes import recipe_named
from pipeline.records import SnapshotImage
from pipeline.runtime import mx
from pipeline.surroundings import Surroundings
from pipeline.train import fit_all_layers
from pipeline.training_data import TrainingData

BACKBONES = ("resnet18_v2", "efficientnet_lite0")
IMAGES, ROUNDS = 320, 3


@dataclass
class StoreReader(ImageReader):
    """Reads the pixels of images from a memory-mapped array instead of their files."""

    pixels: Any = None  # uint8 (images, size, size, 3)
    places: dict[str, int] | None = None  # content hash -> row

    def batches(
        self,
        images: Sequence[SnapshotImage],
        batch_size: int,
        *,
        order: Sequence[int] | None = None,
        mirrored: Callable[[int], bool] = lambda position: False,
    ) -> Generator[Batch, None, None]:
        """Yield all images in batches, in the given order; none is mirrored, as `classic` has it."""
        places = self.places or {}
        positions = list(range(len(images)) if order is None else order)
        for start in range(0, len(positions), batch_size):
            chosen = positions[start : start + batch_size]
            rows = [places[images[position].sha256] for position in chosen]
            yield Batch(np.array(chosen, dtype=np.int64), self.pixels[rows])


def main(photos: Path, images: int = IMAGES, rounds: int = ROUNDS) -> None:
    """Print the seconds of an epoch and of reading alone, for both ways and backbones."""
    print(f"{images} training photos, batches of 32; medians of {rounds}, in turn.\n")
    print("| backbone | what | JPEGs, s | store, s | ratio |")
    print("|---|---|---|---|---|")
    for backbone in BACKBONES:
        data = training_data(photos, images, backbone)
        data = replace(data, test=data.test[:32])
        with tempfile.TemporaryDirectory() as folder:
            ways = (data, replace(data, reader=stored(data, Path(folder) / "pixels")))
            seconds = [[(reading(way), epoch(way, backbone)) for way in ways] for _ in range(rounds)]
        for index, what in enumerate(("reading alone", "an epoch of training")):
            jpeg, store = (median(turn[way][index] for turn in seconds) for way in (0, 1))
            print(f"| {backbone} | {what} | {jpeg:.1f} | {store:.1f} | {store / jpeg:.2f} |", flush=True)


def stored(data: TrainingData, file: Path) -> StoreReader:
    """Return a reader of all images of the data, after writing their pixels to a file."""
    images, size = [*data.train, *data.test], data.reader.preprocessing.size
    array = np.lib.format.open_memmap(file, "w+", np.uint8, (len(images), size, size, 3))
    for batch in data.reader.batches(images, 32):
        array[batch.positions] = batch.pixels
    array.flush()
    places = {image.sha256: place for place, image in enumerate(images)}
    return StoreReader(
        data.reader.folder, data.reader.preprocessing, {}, np.load(file, mmap_mode="r"), places
    )


def reading(data: TrainingData) -> float:
    """Return the seconds that reading all training images in a shuffled order takes by itself."""
    order = np.random.default_rng(0).permutation(len(data.train)).tolist()
    started = time.perf_counter()
    exhausted(data.reader.batches(data.train, 32, order=order))
    return time.perf_counter() - started


def epoch(data: TrainingData, backbone: str) -> float:
    """Return the seconds of one epoch over the training images, without the pass over the test images."""
    clock = TrainingClock()
    around = Surroundings(mx.cpu(), 0, lambda: None, clock.progress)
    events = fit_all_layers(
        network_of(backbone, mx.cpu()), data, replace(recipe_named("classic"), epochs=1), around
    )
    clock.started = time.perf_counter()
    exhausted(events)
    return clock.seconds


def exhausted(things: Iterator[object]) -> None:
    for _ in things:
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
