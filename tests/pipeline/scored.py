"""Evaluations with chosen answers, as a network would give them."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from hypothesis import strategies as st

from pipeline.arrays import Array
from pipeline.records import Evaluation, Prediction

CLASSES = ("cat", "dog")


def evaluation_of(probabilities: Array, labels: Array, classes: Sequence[str] = CLASSES) -> Evaluation:
    """Return the evaluation with these probabilities (N, classes) of images with these class indices (N,)."""
    rows = np.asarray(probabilities, np.float64).reshape(len(labels), len(classes))
    predictions = tuple(
        Prediction(sha256(b"%d" % n).hexdigest(), b"%d.jpg" % n, classes[label], tuple(row.tolist()))
        for n, (row, label) in enumerate(zip(rows, labels, strict=True))
    )
    if not len(labels):
        return Evaluation(0.0, 0.0, ())
    of_label = np.maximum(rows[np.arange(len(labels)), labels], np.finfo(np.float64).tiny)
    right = float((rows.argmax(axis=1) == labels).mean())
    return Evaluation(right, float(-np.log(of_label).mean()), predictions)


def scored(right: Sequence[bool]) -> Evaluation:
    """Return an evaluation of cats of which some are taken for dogs."""
    return evaluation_of(
        np.array([(0.9, 0.1) if ok else (0.2, 0.8) for ok in right]), np.zeros(len(right), int)
    )


def example(seed: int, images: int = 200, spread: float = 2.0, ties: bool = False) -> Evaluation:
    """Return the evaluation of a middling network, with images of equal probability if wanted."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % 2
    dog = 1 / (1 + np.exp(-(labels * 2 - 1 + random.normal(0, spread, images))))
    dog = np.round(dog, 1) if ties else dog
    return evaluation_of(np.stack([1 - dog, dog], axis=1), labels)


@st.composite
def evaluations(draw: st.DrawFn, most: int = 40, classes: Sequence[str] = CLASSES) -> Evaluation:
    """Draw an evaluation of at least one image, with ties, zeros and ones among the probabilities."""
    weights = st.lists(st.integers(0, 8), min_size=len(classes), max_size=len(classes)).filter(any)
    images = st.lists(st.tuples(st.integers(0, len(classes) - 1), weights), min_size=1, max_size=most)
    drawn = draw(images)
    rows = np.array([row for _, row in drawn], float)
    return evaluation_of(rows / rows.sum(axis=1, keepdims=True), np.array([n for n, _ in drawn]), classes)


def shuffled(evaluation: Evaluation, seed: int = 1) -> Evaluation:
    """Return the same evaluation with its images in another order."""
    order = np.random.default_rng(seed).permutation(len(evaluation.predictions))
    predictions = tuple(evaluation.predictions[n] for n in order)
    return Evaluation(evaluation.accuracy, evaluation.log_loss, predictions)


def table(evaluation: Evaluation, classes: Sequence[str] = CLASSES) -> tuple[Array, Array]:
    """Return the probabilities (N, classes) and the class indices (N,), for the libraries of reference."""
    rows = np.array([p.probabilities for p in evaluation.predictions])
    return rows, np.array([classes.index(p.label) for p in evaluation.predictions])
