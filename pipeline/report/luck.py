"""How large a difference in accuracy the luck of the training images alone can make."""

from collections.abc import Sequence
from math import sqrt
from statistics import stdev


def luck_of(repeats: Sequence[float]) -> float | None:
    """Return two standard deviations of the difference of two models, 0..1; None for fewer than two repeats.

    Each of the two scatters as the repeats do, so their difference does so by the square root of two more.

    Args:
        repeats: test accuracies of heads fitted on resampled training images.
    """
    return 2 * sqrt(2) * stdev(repeats) if len(repeats) > 1 else None
