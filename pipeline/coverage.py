"""What is gained if a network may leave the images to a person of which it is not sure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation_arrays import as_arrays, by_content
from pipeline.intervals import wilson_interval
from pipeline.records import Evaluation

MOST_POINTS = 100


@dataclass(frozen=True)
class CoveragePoint:
    """The images whose most probable class has at least this probability."""

    threshold: float  # 0..1
    coverage: float  # share of all images, above 0
    images: int
    accuracy: float  # on these images
    low: float  # 95 % interval of the accuracy
    high: float


def coverage_curve(evaluation: Evaluation, classes: Sequence[str]) -> tuple[CoveragePoint, ...]:
    """Return the accuracy on the images that are sure enough, by falling coverage; the first has all images.

    The risk-coverage curve of El-Yaniv & Wiener (2010), with the top probability as the measure of sureness
    (Hendrycks & Gimpel 2017). At most MOST_POINTS thresholds, spread evenly over the images; images of the
    same probability stay together.
    """
    probabilities, labels = as_arrays(by_content(evaluation), classes)
    if not len(labels):
        return ()
    surest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    order = np.argsort(-surest, kind="stable")
    surest, right = surest[order], np.cumsum(right[order])
    ends = np.flatnonzero(np.diff(surest, append=-1.0))  # the last image of each probability
    wanted = np.linspace(ends[0], ends[-1], min(len(ends), MOST_POINTS))
    kept = np.unique(ends[np.searchsorted(ends, wanted.round())])
    return tuple(_point(float(surest[n]), n + 1, int(right[n]), len(labels)) for n in kept[::-1].tolist())


def _point(threshold: float, images: int, right: int, total: int) -> CoveragePoint:
    low, high = wilson_interval(right, images)
    return CoveragePoint(threshold, images / total, images, right / images, low, high)
