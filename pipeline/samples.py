"""Some images of each class in the place of very many, drawn by their content."""

from collections.abc import Sequence

import numpy as np

from pipeline.arrays import Array

MOST_FITTED = 50_000  # images on which a head is fitted that only helps to choose or to judge


def drawn_rows(labels: Array, keys: Sequence[str], most: int) -> list[Array]:
    """Return rows of each class that there is, in the order of their draw, about `most` of all together.

    Of each class the same share is drawn, at least one, by the second half of the content hash: so whether a
    row is drawn hangs neither on the order of the rows nor on what else there is, but for the share.

    Args:
        labels: class indices, int64 (N,).
        keys: content hashes (N).
        most: rows in all; where there are no more, all are drawn.
    """
    order = np.array(sorted(range(len(labels)), key=lambda row: keys[row][32:]), dtype=np.int64)
    members = [order[labels[order] == label] for label in np.unique(labels)]
    share = min(1.0, most / max(len(order), 1))
    return [own[: max(1, round(share * len(own)))] for own in members]
