"""How well the probability of a class ranks the images: ROC and precision-recall curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.arrays import Array
from pipeline.evaluation_arrays import as_arrays, by_content
from pipeline.records import Evaluation

MOST_POINTS = 400  # a curve has no more, so that a page stays small; its area is that of all points


@dataclass(frozen=True)
class Curve:
    """A curve of one class against the others, both axes 0..1."""

    label: str
    points: tuple[tuple[float, float], ...]  # (x, y) by growing x
    area: float  # under it, 0..1; of precision-recall the average precision


def roc(evaluation: Evaluation, classes: Sequence[str], label: str) -> Curve | None:
    """Return the ROC curve: x is the false positive rate, y the true positive rate.

    The area is the chance that an image of the class gets a higher probability for it than another image,
    equals counting half (Hanley & McNeil 1982). None where the class has no images, or only it has.
    """
    counts = _counts(evaluation, classes, label)
    if counts is None:
        return None
    true, false = counts
    area = np.sum(np.diff(false) * (true[1:] + true[:-1])) / (2 * int(true[-1]) * int(false[-1]))
    corners = _corners(true, false)
    return Curve(label, _thinned(false[corners] / false[-1], true[corners] / true[-1]), float(area))


def precision_recall(evaluation: Evaluation, classes: Sequence[str], label: str) -> Curve | None:
    """Return the precision-recall curve: x is recall, y precision, from the surest images to all.

    The area is the average precision: each precision weighted by the recall that is gained there, without
    interpolation. None where the class has no images, or only it has.
    """
    counts = _counts(evaluation, classes, label)
    if counts is None:
        return None
    true, false = (array[1:] for array in counts)
    precision, recall = true / (true + false), true / true[-1]
    area = float(np.sum(np.diff(recall, prepend=0) * precision))
    start = (np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision]))
    return Curve(label, _thinned(*start), min(area, 1.0))


def _counts(evaluation: Evaluation, classes: Sequence[str], label: str) -> tuple[Array, Array] | None:
    """Return the true and the false positives by falling threshold, int64 (M + 1,), beginning with 0.

    Images of the same probability pass the threshold together. None where one of the two is always 0.
    """
    probabilities, labels = as_arrays(by_content(evaluation), classes)
    wanted = classes.index(label)
    order = np.argsort(-probabilities[:, wanted], kind="stable")
    scores, is_class = probabilities[order, wanted], labels[order] == wanted
    ends = np.flatnonzero(np.diff(scores, append=-1.0))  # the last image of each probability
    true, false = (np.concatenate([[0], np.cumsum(part)[ends]]) for part in (is_class, ~is_class))
    return (true, false) if true[-1] and false[-1] else None


def _corners(true: Array, false: Array) -> Array:
    """Return the indices of the points where a curve bends, and of both ends."""
    ups, rights = np.diff(true), np.diff(false)
    bends = ups[1:] * rights[:-1] != ups[:-1] * rights[1:]
    return np.flatnonzero(np.concatenate([[True], bends, [True]]))


def _thinned(x: Array, y: Array) -> tuple[tuple[float, float], ...]:
    """Return at most MOST_POINTS points, evenly drawn, with both ends."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(np.int64))
    return tuple(zip(x[kept].tolist(), y[kept].tolist(), strict=True))
