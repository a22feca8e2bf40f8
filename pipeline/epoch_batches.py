"""Which images make up each batch of an epoch.

The images in order of their content hashes are cut into as many stretches as a batch has images, and each
batch takes one of every stretch, at random. A hash has nothing to do with what an image shows, so batches are
as mixed as those of a shuffle. And where processes share a batch, in order of hashes, each reads its own part
of all images and no other.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pipeline.records import SnapshotImage


def in_order_of_hashes(images: Sequence[SnapshotImage]) -> list[int]:
    """Return the positions of images, by their content hashes."""
    return sorted(range(len(images)), key=lambda position: images[position].sha256)


def epoch_batches(by_hash: Sequence[int], size: int, random: np.random.Generator) -> list[list[int]]:
    """Return the batches of an epoch, each in the order of `by_hash`.

    Args:
        by_hash: of `in_order_of_hashes`.
        size: of a batch. If it does not divide the number of images, the last batch has fewer, spread over
            the hashes.
        random: what draws the order.
    """
    edges = [number * len(by_hash) // size for number in range(size + 1)]
    drawn = [random.permutation(by_hash[start:end]).tolist() for start, end in pairwise(edges)]
    longest = max(map(len, drawn))
    return [[stretch[turn] for stretch in drawn if turn < len(stretch)] for turn in range(longest)]
