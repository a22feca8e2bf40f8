"""How good a network is for each class, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.evaluation_tables import confusion_matrix
from pipeline.intervals import wilson_interval
from pipeline.paired import Estimate
from pipeline.records import Evaluation
from pipeline.shares import share


@dataclass(frozen=True)
class ClassMetrics:
    """What a network makes of one class."""

    label: str
    images: int  # test images of this class
    said: int  # test images that were given this class
    right: int  # those that were both
    precision: Estimate | None  # of what was given this class, how much is; None if none was given it
    recall: Estimate | None  # of the images of this class, how many were found; None if there are none
    f1: Estimate | None  # harmonic mean of the two, 0 if none is right; None if there are no images of it


def class_metrics(evaluation: Evaluation, classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Return precision, recall and F1 of each class with 95 % intervals, in the order of the classes."""
    matrix = confusion_matrix(evaluation, classes)
    said = [sum(row[n] for row in matrix) for n in range(len(classes))]
    return tuple(_metrics(label, sum(matrix[n]), said[n], matrix[n][n]) for n, label in enumerate(classes))


def _metrics(label: str, images: int, said: int, right: int) -> ClassMetrics:
    return ClassMetrics(
        label=label,
        images=images,
        said=said,
        right=right,
        precision=share(right, said) if said else None,
        recall=share(right, images) if images else None,
        f1=_f1(images, said, right) if images else None,
    )


def _f1(images: int, said: int, right: int) -> Estimate:
    """Return F1 with the indirect Wilson interval of Lam et al. (2023), arXiv:2309.14621.

    Of the images that have the class or were given it, let q be the share of which both is true. F1 is
    2 q / (1 + q), which grows with q, so the Wilson interval of q carries over. Unlike a resampled one, it is
    not empty where no image is wrong.
    """
    either = images + said - right
    low, high = (2 * q / (1 + q) for q in wilson_interval(right, either))
    value = 2 * right / (images + said)
    return Estimate(value, min(low, value), max(high, value))
