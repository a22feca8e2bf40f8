"""Shares of images and their differences, with 95 % intervals."""

from math import sqrt

from pipeline.intervals import wilson_interval
from pipeline.paired import Estimate
from pipeline.records import Evaluation


def share(right: int, of: int) -> Estimate:
    """Return a share with its Wilson interval; `of` is at least 1."""
    return Estimate(right / of, *wilson_interval(right, of))


def accuracy_of(evaluation: Evaluation | None) -> Estimate | None:
    """Return the accuracy with its interval; None without any image."""
    if evaluation is None or not evaluation.predictions:
        return None
    images = len(evaluation.predictions)
    return share(round(evaluation.accuracy * images), images)


def difference(right: int, of: int, other_right: int, other_of: int) -> Estimate:
    """Return the difference of two independent shares with Newcombe's hybrid score interval.

    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10: from the Wilson intervals of the two.
    """
    one, other = share(right, of), share(other_right, other_of)
    gain = one.value - other.value
    low = gain - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    high = gain + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Estimate(gain, low, high)
