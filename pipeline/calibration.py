"""Probabilities that mean what they say: temperature scaling, and how far off they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log, nan

import numpy as np
from scipy.optimize import minimize_scalar

from pipeline.arrays import Array
from pipeline.evaluate import log_softmax, softmax
from pipeline.evaluation_arrays import LEAST_PROBABILITY, as_arrays, by_content, log_losses
from pipeline.intervals import wilson_interval
from pipeline.records import Evaluation

LEAST_TEMPERATURE, MOST_TEMPERATURE = 1 / 20, 20.0


@dataclass(frozen=True)
class Bin:
    """The images whose most probable class has a probability within low..high."""

    low: float
    high: float  # belongs to the next bin, except 1
    images: int  # at least 1
    confidence: float  # mean probability of the most probable class
    right_share: float
    interval_low: float  # of the share, 95 %
    interval_high: float


def fit_temperature(log_probabilities: Array, labels: Array) -> float:
    """Return the temperature that minimises the log loss of softmax(logits / temperature).

    Guo et al. (2017), "On calibration of modern neural networks". It lies within 1/20..20. Where every image
    is right (or there is none), the loss only says "surer still" and tells no temperature: 1 is returned.

    Args:
        log_probabilities: (N, classes), or logits: what is added to a whole row changes nothing.
        labels: class indices, int (N,).
    """
    logits = np.maximum(log_softmax(np.asarray(log_probabilities)), log(LEAST_PROBABILITY))
    rows = np.arange(len(labels))
    if not len(labels) or (logits.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / exp(log_temperature))[rows, labels].mean())

    bounds = (log(LEAST_TEMPERATURE), log(MOST_TEMPERATURE))
    return exp(float(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def calibrated(
    evaluation: Evaluation, temperature: float, classes: Sequence[str] | None = None
) -> Evaluation:
    """Return the evaluation with its logits divided by the temperature: probabilities and log loss change.

    What is most probable stays so, and with it the accuracy. At temperature 1 it is the same evaluation.

    Args:
        evaluation: with the network's own probabilities.
        temperature: above 0.
        classes: in the order of the probabilities; None: the labels of the images, sorted. If these are too
            few, the log loss is not known, which is NaN.
    """
    if temperature == 1 or not evaluation.predictions:
        return evaluation
    scaled = _tempered(np.array([p.probabilities for p in evaluation.predictions], np.float64), temperature)
    predictions = tuple(
        replace(prediction, probabilities=tuple(row))
        for prediction, row in zip(evaluation.predictions, scaled.tolist(), strict=True)
    )
    changed = replace(evaluation, predictions=predictions)
    known = classes or sorted({prediction.label for prediction in predictions})
    loss = _log_loss(changed, known) if len(known) == scaled.shape[1] else nan
    return replace(changed, log_loss=loss)


def reliability(evaluation: Evaluation, classes: Sequence[str], bins: int = 10) -> tuple[Bin, ...]:
    """Return how often images are right by how sure the network is, in bins of equal width; no empty ones."""
    probabilities, labels = as_arrays(by_content(evaluation), classes)
    if not len(labels):
        return ()
    surest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bin_of = np.clip((surest * bins).astype(np.int64), 0, bins - 1)
    return tuple(_bin(n, bins, surest[bin_of == n], right[bin_of == n]) for n in np.unique(bin_of).tolist())


def expected_calibration_error(evaluation: Evaluation, classes: Sequence[str]) -> float:
    """Return the mean distance of confidence and share right over the ten bins, weighted by images, 0..1.

    Guo et al. (2017); 0 where there are no images.
    """
    gaps = [
        (abs(part.confidence - part.right_share), part.images) for part in reliability(evaluation, classes)
    ]
    return sum(gap * images for gap, images in gaps) / max(len(evaluation.predictions), 1)


def _tempered(probabilities: Array, temperature: float) -> Array:
    """Return softmax(log(probabilities) / temperature), with the same class the most probable in each row."""
    logarithms = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    scaled = softmax(logarithms / temperature)
    rows, top = np.arange(len(scaled)), probabilities.argmax(axis=1)
    # Rounding can make a close second the equal of the first, and equals are told by their order.
    moved = scaled.argmax(axis=1) != top
    scaled[rows[moved], top[moved]] = np.nextafter(scaled[moved].max(axis=1), 1.0)
    return np.asarray(scaled)


def _log_loss(evaluation: Evaluation, classes: Sequence[str]) -> float:
    return float(log_losses(*as_arrays(by_content(evaluation), classes)).mean())


def _bin(number: int, bins: int, surest: Array, right: Array) -> Bin:
    low, high = wilson_interval(int(right.sum()), len(right))
    return Bin(
        low=number / bins,
        high=(number + 1) / bins,
        images=len(right),
        confidence=float(surest.mean()),
        right_share=float(right.mean()),
        interval_low=low,
        interval_high=high,
    )
