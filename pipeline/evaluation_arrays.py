"""An evaluation as arrays, in an order that does not depend on how its images were listed."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from pipeline.arrays import Array
from pipeline.records import Evaluation, Prediction

# What a probability of 0 counts as in a logarithm: the least positive float64 of full precision.
LEAST_PROBABILITY = float(np.finfo(np.float64).tiny)


def by_content(evaluation: Evaluation) -> tuple[Prediction, ...]:
    """Return the predictions in the order of the content hashes, so that nothing depends on their order."""
    return tuple(sorted(evaluation.predictions, key=lambda prediction: prediction.sha256))


def as_arrays(predictions: Sequence[Prediction], classes: Sequence[str]) -> tuple[Array, Array]:
    """Return the probabilities, float64 (N, classes), and the class indices of the labels, int64 (N,)."""
    index = {label: position for position, label in enumerate(classes)}
    labels = np.fromiter((index[p.label] for p in predictions), np.int64, len(predictions))
    values = chain.from_iterable(p.probabilities for p in predictions)
    probabilities = np.fromiter(values, np.float64, len(predictions) * len(classes))
    return probabilities.reshape(len(predictions), len(classes)), labels


def log_losses(probabilities: Array, labels: Array) -> Array:
    """Return -log of the probability of each label, nats, float64 (N,); finite also where it is 0."""
    of_label = probabilities[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.maximum(of_label, LEAST_PROBABILITY)))


def evaluation_of(predictions: tuple[Prediction, ...], classes: Sequence[str]) -> Evaluation:
    """Return the evaluation that these predictions, at least one, make up; each stays exactly as it is."""
    probabilities, labels = as_arrays(predictions, classes)
    right = probabilities.argmax(axis=1) == labels
    return Evaluation(float(right.mean()), float(log_losses(probabilities, labels).mean()), predictions)
