"""How sure a share of successes is."""

from math import sqrt
from statistics import NormalDist


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval (low, high) of a share, within 0..1; (0, 1) when n is 0.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    It stays inside 0..1 and is not empty at 0 % or 100 %, where the usual normal interval is.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is not a share")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends rounding could leave the interval by one last digit, and the share with it.
    return min(max(0.0, centre - half), share), max(min(1.0, centre + half), share)
