"""What it means that each batch has one image of every stretch of hashes, and is not simply drawn at random.

Which images of its batches a worker reads that belong to another one's part of all hashes, and whether the
network that comes out is any worse.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.precision import TRAININGS
from pipeline.drawings import draw_demo_images
from pipeline.epoch_batches import epoch_batches
from pipeline.runtime import mx
from pipeline.sharing import Sharing

IMAGES, SIZE, EPOCHS = 20_000, 64, 3
WORKERS = (2, 4, 8)
SEEDS = (0, 1, 2)


def at_random(by_hash: Sequence[int], size: int, random: np.random.Generator) -> list[list[int]]:
    """Return the batches of a shuffle, each sorted by hash, as `epoch_batches` does."""
    place = {position: number for number, position in enumerate(by_hash)}
    order = random.permutation(by_hash).tolist()
    starts = range(0, len(order), size)
    return [sorted(order[start : start + size], key=place.__getitem__) for start in starts]


WAYS: dict[str, Callable[..., list[list[int]]]] = {
    "at random": at_random,
    "one of each stretch": epoch_batches,
}


def main(photos: Path) -> None:
    """Print both tables."""
    print(
        f"{IMAGES:,} images in batches of {SIZE}, each cut into equal parts in order of hashes: how many of"
    )
    print("the images of a worker belong to another one's part of all hashes.\n")
    print(f"| batches | {' | '.join(f'{number} workers' for number in WORKERS)} |")
    print(f"|{'---|' * (len(WORKERS) + 1)}")
    for name, way in WAYS.items():
        shares = " | ".join(f"{100 * _elsewhere(way, number):.2f} %" for number in WORKERS)
        print(f"| {name} | {shares} |")
    print("\n| training | seed | batches | train loss | test log loss | test accuracy |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as drawings:
        draw_demo_images(Path(drawings) / "images", train_per_class=200, test_per_class=100, seed=0)
        for training, train in TRAININGS.items():
            for seed in SEEDS:
                for name, way in WAYS.items():
                    with patch("pipeline.train.epoch_batches", way):
                        last = train(photos, Path(drawings) / "images", "float32", seed)[-1]
                    print(
                        f"| {training} | {seed} | {name} | {last.train_loss:.3f} | {last.test_loss:.3f} "
                        f"| {last.test_accuracy:.3f} |"
                    )


def _elsewhere(way: Callable[..., list[list[int]]], workers: int) -> float:
    """Return the share of the images that a worker reads and another one has in its part."""
    of_all = [Sharing((mx.cpu(),), rank=rank, processes=workers) for rank in range(workers)]
    wrong = 0
    for epoch in range(EPOCHS):
        for batch in way(range(IMAGES), SIZE, np.random.default_rng(epoch)):
            for worker in of_all:
                own = worker.own(batch, worker.part_size(SIZE))
                wrong += sum(position * workers // IMAGES != worker.rank for position in own)
    return wrong / (EPOCHS * IMAGES)
