"""Suspects: training images whose label is probably wrong, found by confident learning.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal of
Artificial Intelligence Research 70 (2021). Each image is judged by a head that was fitted without it.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.arrays import Array
from pipeline.evaluate import label_indices, softmax
from pipeline.fits import each
from pipeline.head import LinearHead, fit_head
from pipeline.records import SnapshotImage, Suspect
from pipeline.samples import MOST_FITTED, drawn_rows
from pipeline.stretches import stretches


def out_of_fold_probabilities(
    features: Array,
    labels: Array,
    classes: int,
    *,
    strength: float,
    iterations: int,
    keys: Sequence[str],
    folds: int = 5,
    most: int = MOST_FITTED,
) -> Array:
    """Return each image's class probabilities, float64 (N, classes), by a head fitted on the other folds.

    The folds are drawn by content hash, each class by itself; the order of the images plays no part. The only
    image of its class trains every head and is judged by none, since a head that has not seen the class
    cannot know it: its row is NaN.

    Args:
        features: float32 (N, F).
        labels: class indices, int (N,).
        classes: number of classes.
        strength: see `fit_head`.
        iterations: see `fit_head`.
        keys: the images' content hashes (N), all different.
        folds: at least 2. A class of fewer images has one in each of the first folds, none in the others.
        most: images that a head is fitted on, about; of more, some are drawn, see `drawn_rows`.
    """
    order = np.array(sorted(range(len(labels)), key=keys.__getitem__), dtype=np.int64)
    fold = _folds(labels[order], folds)
    probabilities = np.full((len(labels), classes), np.nan)
    numbers = [number for number in range(folds) if (fold == number).any()]

    def fit(number: int) -> LinearHead:
        others = order[fold != number]
        if len(others) > most:
            others = others[np.concatenate(drawn_rows(labels[others], [keys[row] for row in others], most))]
        heads = fit_head(features[others], labels[others], classes, strength=strength, iterations=iterations)
        return heads[-1]

    for number, head in zip(numbers, each(fit, numbers, _numbers(features, most)), strict=True):
        judged = order[fold == number]
        for some in stretches(len(judged)):
            probabilities[judged[some]] = softmax(head.logits(features[judged[some]]))
    return probabilities


def _numbers(features: Array, most: int) -> int:
    return min(len(features), most) * int(features.shape[1])


def _folds(labels: Array, folds: int) -> Array:
    """Deal the images of each class to the folds in turn, int64 (N,); -1 for the only one of its class."""
    fold = np.full(len(labels), -1, dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) > 1:
            fold[members] = np.arange(len(members)) % folds
    return fold


def suspects(
    probabilities: Array, images: Sequence[SnapshotImage], classes: Sequence[str]
) -> tuple[Suspect, ...]:
    """Return the images whose label is probably wrong, the most suspicious first.

    The paper's "prune by noise rate": the confident joint tells how many images labelled i belong to class j,
    and as many are suspected, those with the widest margin: the probability of j minus that of i. As in
    cleanlab, by the same authors, no image is suspected whose own label is the more probable one.

    Args:
        probabilities: out of sample, (N, classes); a row of NaN is never a suspect.
        images: what they belong to (N).
        classes: the names of the classes, in the order of the columns.
    """
    labels = label_indices(images, classes)
    counts = _wrong_counts(probabilities, labels)
    found: list[Suspect] = []
    for own, other in np.argwhere(counts > 0):
        candidates = [
            Suspect(
                sha256=images[row].sha256,
                path=images[row].path,
                label=classes[own],
                suggested=classes[other],
                probability=float(probabilities[row, own]),
                score=float(probabilities[row, other] - probabilities[row, own]),
            )
            for row in np.flatnonzero((labels == own) & (probabilities[:, other] > probabilities[:, own]))
        ]
        found += sorted(candidates, key=_rank)[: counts[own, other]]
    found.sort(key=_rank)
    likeliest = {suspect.sha256: suspect for suspect in found[::-1]}  # of an image's two, the first stays
    return tuple(sorted(likeliest.values(), key=_rank))


def _rank(suspect: Suspect) -> tuple[float, str]:
    return -suspect.score, suspect.sha256


def _wrong_counts(probabilities: Array, labels: Array) -> Array:
    """Return how many images labelled i seem to belong to class j, int64 (classes, classes); 0 for i = j.

    The confident joint counts for each label the confident classes of its images: of the classes whose
    threshold an image reaches, the most probable. Since not every image reaches one, each row is then scaled
    to the number of images that have the label.
    """
    confident = np.where(probabilities >= _thresholds(probabilities, labels), probabilities, -np.inf)
    sure = np.isfinite(confident).any(axis=1)
    joint = np.zeros((probabilities.shape[1],) * 2, dtype=np.int64)
    np.add.at(joint, (labels[sure], confident[sure].argmax(axis=1)), 1)
    images = np.bincount(labels[np.isfinite(probabilities).all(axis=1)], minlength=len(joint))
    scaled = joint * images[:, None] / np.maximum(joint.sum(axis=1, keepdims=True), 1)
    counts: Array = np.rint(scaled).astype(np.int64)
    np.fill_diagonal(counts, 0)
    return counts


def _thresholds(probabilities: Array, labels: Array) -> Array:
    """Return the mean probability of each class over its own images, float64 (classes,).

    It is infinite for a class none of whose images was judged, so that nobody is confident of it.
    """
    thresholds = np.full(probabilities.shape[1], np.inf)
    for label in np.unique(labels):
        own = probabilities[labels == label, label]
        if np.isfinite(own).any():
            thresholds[label] = np.nanmean(own)
    return thresholds
