"""Two networks on the same test images: what the second gets newly right and wrong, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm

from pipeline.arrays import Array
from pipeline.evaluation_arrays import as_arrays, log_losses
from pipeline.records import Evaluation

CONFIDENCE = 0.95
RESAMPLES = 10_000
MOST_RESAMPLED = 1_000  # images; for more of them the expansion is as good, and far quicker
SEED = 20_260_314  # any fixed number: the same evaluations always give the same interval
CHUNK = 1_000_000  # draws at a time, which bounds the memory


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


NOTHING = Estimate(0.0, 0.0, 0.0)  # the change from a network to itself


@dataclass(frozen=True)
class Comparison:
    """What changes from one network to another on the images that both were tested on."""

    images: int
    fixed: tuple[str, ...]  # content hashes of those newly right, sorted
    broken: tuple[str, ...]  # of those newly wrong
    p_value: float  # of the exact McNemar test, two-sided
    gain: Estimate  # in accuracy: after - before, -1..1
    log_loss_change: Estimate  # mean over images of after - before, nats; below 0 is better


def compare(before: Evaluation, after: Evaluation, classes: Sequence[str]) -> Comparison | None:
    """Compare two networks on the images that both were tested on; None if there are none.

    Only images on which exactly one of the two is right tell them apart. If both were equally good, each
    such image would be a fair coin; the two-sided binomial test says how surprising the count is.
    Source: McNemar (1947), Psychometrika 12, 153-157, in its exact form. The intervals resample pairs.
    """
    old_of, new_of = (_positions(evaluation) for evaluation in (before, after))
    shared = sorted(old_of.keys() & new_of.keys())
    if not shared:
        return None
    old_right, old_losses = _judged(before, classes, [old_of[image] for image in shared])
    new_right, new_losses = _judged(after, classes, [new_of[image] for image in shared])
    fixed = tuple(shared[n] for n in np.flatnonzero(new_right & ~old_right))
    broken = tuple(shared[n] for n in np.flatnonzero(old_right & ~new_right))
    changes = new_losses - old_losses
    gain = gain_estimate(len(fixed), len(broken), len(shared)) if np.any(changes) else NOTHING
    return Comparison(
        images=len(shared),
        fixed=fixed,
        broken=broken,
        p_value=mcnemar(len(fixed), len(broken)),
        gain=gain,
        log_loss_change=mean_estimate(changes),
    )


def mcnemar(fixed: int, broken: int) -> float:
    """Return the two-sided p-value of the exact McNemar test; 1 where nothing differs."""
    return float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0


def gain_estimate(fixed: int, broken: int, images: int) -> Estimate:
    """Return the gain in accuracy with the wider of two intervals, which for many images are all but one.

    The first is the bootstrap's percentile interval (Efron & Tibshirani 1993, chapter 13); the sums of
    resampled pairs follow a multinomial distribution, so they are drawn from it. Alone it is too short where
    few images differ: with 5 newly right and none newly wrong it leaves out 0, though such luck is no rarity
    (p = 0.06). The second is the exact interval (Clopper & Pearson 1934) of the share of `fixed` among the
    images that differ; it holds 0 exactly where the exact McNemar test sees no difference.

    Where no image differs both would be empty, though other images may well differ: then it is the interval
    of Agresti & Min (2005), Statistics in Medicine 24, 729-740, which adds half an image to each of the four
    cells.
    """
    if not fixed + broken:
        side = min(1.0, float(norm.ppf((1 + CONFIDENCE) / 2)) / (images + 2))
        return Estimate(0.0, -side, side)
    differ = fixed + broken
    exact = binomtest(fixed, differ).proportion_ci(CONFIDENCE, method="exact")
    sides = [(2 * share - 1) * differ / images for share in (exact.low, exact.high)]
    low, high = np.percentile(_resampled_gains(fixed, broken, images), _PERCENTILES) / images
    return Estimate((fixed - broken) / images, float(min(low, sides[0])), float(max(high, sides[1])))


def mean_estimate(values: Array) -> Estimate:
    """Return the mean of values, float64 (N,), with the bootstrap's percentile interval.

    Up to MOST_RESAMPLED values are resampled. Beyond that the percentiles come from the Cornish-Fisher
    expansion, with the mean, the variance and the skewness that the bootstrap's distribution of the mean is
    known to have (Hall 1992, "The Bootstrap and Edgeworth Expansion", section 3.5).
    """
    mean = float(values.mean())
    if not np.any(values):
        return NOTHING
    resampled = len(values) <= MOST_RESAMPLED
    low, high = np.percentile(_resampled_means(values), _PERCENTILES) if resampled else _expanded(values)
    return Estimate(mean, float(min(low, mean)), float(max(high, mean)))


_PERCENTILES = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))


def _positions(evaluation: Evaluation) -> dict[str, int]:
    return {prediction.sha256: n for n, prediction in enumerate(evaluation.predictions)}


def _judged(evaluation: Evaluation, classes: Sequence[str], positions: list[int]) -> tuple[Array, Array]:
    """Return whether the images at some positions are right, bool, and their log losses in nats, float64."""
    probabilities, labels = as_arrays(evaluation.predictions, classes)
    right = probabilities.argmax(axis=1) == labels
    return right[positions], log_losses(probabilities, labels)[positions]


def _resampled_gains(fixed: int, broken: int, images: int) -> Array:
    """Return newly right minus newly wrong images of each resample, int64; swapping mirrors them."""
    shares = np.array([max(fixed, broken), min(fixed, broken), images - fixed - broken]) / images
    drawn = np.random.default_rng(SEED).multinomial(images, shares, RESAMPLES)
    gains = drawn[:, 0] - drawn[:, 1]
    if fixed == broken:
        return np.concatenate([gains, -gains])
    return gains if fixed > broken else -gains


def _resampled_means(values: Array) -> Array:
    """Return the means of RESAMPLES draws with replacement, float64."""
    random = np.random.default_rng(SEED)
    rows = max(1, CHUNK // len(values))
    parts = [
        values[random.integers(0, len(values), (min(rows, RESAMPLES - done), len(values)))].mean(axis=1)
        for done in range(0, RESAMPLES, rows)
    ]
    return np.concatenate(parts)


def _expanded(values: Array) -> tuple[float, float]:
    """Return the interval of the mean of many values by the Cornish-Fisher expansion."""
    mean, spread = float(values.mean()), float(values.std())
    if not spread:
        return mean, mean
    skewness = float((((values - mean) / spread) ** 3).mean()) / len(values) ** 0.5
    quantile = float(norm.ppf((1 + CONFIDENCE) / 2))
    shift = (quantile**2 - 1) * skewness / 6
    error = spread / len(values) ** 0.5
    return mean + error * (shift - quantile), mean + error * (shift + quantile)
