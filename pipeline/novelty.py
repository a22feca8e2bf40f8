"""How far new training images lie from the earlier ones, by the cosine distance of their features."""

import numpy as np

from pipeline.arrays import Array
from pipeline.features import Features
from pipeline.records import Novelty

MOST_EARLIER = 4000  # earlier images that the others are compared with, drawn by content hash
MOST_NAMED = 24
USUAL = 0.99  # this share of the earlier images has another one within the limit
CHUNK = 1000  # rows in one product: 16 MB with the most earlier images


def novelty(train: Features, fresh: frozenset[str]) -> Novelty | None:
    """Compare the new training images with the earlier ones; None if there are none, or too few earlier.

    Args:
        train: features of all training images.
        fresh: content hashes of the new images, those of test images included.
    """
    is_new = np.array([image.sha256 in fresh for image in train.images], dtype=bool)
    new, earlier = np.flatnonzero(is_new), np.flatnonzero(~is_new)
    if not len(new) or len(earlier) < 2:
        return None
    drawn = sorted(earlier.tolist(), key=lambda row: train.images[row].sha256[32:])[:MOST_EARLIER]
    reference = _unit(train.pooled[drawn])
    usual = _nearest(reference, np.arange(len(reference)), reference, is_itself=True)
    distances = _nearest(train.pooled, new, reference)
    limit = float(np.quantile(usual, USUAL))
    novel = sorted(
        (-float(distance), train.images[row].sha256)
        for row, distance in zip(new, distances, strict=True)
        if distance > limit
    )
    return Novelty(
        images=len(new),
        novel=len(novel),
        limit=limit,
        distance=float(np.median(distances)),
        usual_distance=float(np.median(usual)),
        most_novel=tuple(sha256 for _, sha256 in novel[:MOST_NAMED]),
    )


def _nearest(features: Array, rows: Array, reference: Array, *, is_itself: bool = False) -> Array:
    """Return the distance of each of some rows to the nearest row of the reference, float64 (N,).

    The rows of the reference have length 1. If both are the same, a row is not compared with itself.
    """
    nearest = np.empty(len(rows))
    for start in range(0, len(rows), CHUNK):
        cosines = _unit(features[rows[start : start + CHUNK]]) @ reference.T
        if is_itself:
            own = np.arange(len(cosines))
            cosines[own, start + own] = -np.inf
        nearest[start : start + CHUNK] = np.maximum(1.0 - cosines.max(axis=1), 0.0)
    return nearest


def _unit(rows: Array) -> Array:
    """Scale each row to length 1; a row of zeros stays as it is."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
