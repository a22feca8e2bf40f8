"""Deal training images to parts, so that what was chosen on some of them can be judged on others."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pipeline.arrays import Array
from pipeline.errors import TooFewImages
from pipeline.records import SnapshotImage


def deal(images: Sequence[SnapshotImage], groups: Sequence[Sequence[int]], parts: int) -> Array:
    """Return the part of each image, int64 (N,), from 0 to `parts` - 1.

    Images of a group stay together, and the parts have nearly as many images of each class as each other.
    It hangs on the contents alone, neither on the order of the images nor on a seed.

    Args:
        images: each content once.
        groups: positions of those that show nearly the same picture, as `near_duplicates.groups` returns.
        parts: at least 1.
    """
    together = {position for group in groups for position in group}
    alone = [[position] for position in range(len(images)) if position not in together]

    def rank(unit: Sequence[int]) -> tuple[int, str]:
        return -len(unit), min(images[position].sha256[32:] for position in unit)

    part = np.empty(len(images), np.int64)
    sizes = {label: [0] * parts for label in {image.label for image in images}}
    for unit in sorted((*groups, *alone), key=rank):
        own = sizes[images[unit[0]].label]
        smallest = own.index(min(own))
        own[smallest] += len(unit)
        part[list(unit)] = smallest
    return part


def require_enough(images: Sequence[SnapshotImage], classes: Sequence[str], least: int) -> None:
    """Check that each class has enough images to be dealt to parts.

    Raises:
        TooFewImages: one has not.
    """
    counts = Counter(image.label for image in images)
    for label in classes:
        if counts[label] < least:
            raise TooFewImages(
                f"class {label!r} has {counts[label]} images to train on, too few to choose settings by; "
                f"add images until there are at least {least}"
            )
