"""What a training on frozen features finds out about its own uncertainty, at hardly any cost.

All heads here have the strength C that the run chose. C is the variance of the prior of the weights, and the
penalised sum of losses already weighs that prior the less, the more images there are: so it is as right for a
part of the images as for all of them, and choosing it anew for each part would cost nine times as much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.arrays import Array
from pipeline.calibration import fit_temperature
from pipeline.evaluate import loss_and_accuracy
from pipeline.features import Features
from pipeline.fits import each
from pipeline.head import LinearHead, fit_head
from pipeline.novelty import novelty
from pipeline.records import Calibration, DataPoint, Findings, Note
from pipeline.samples import MOST_FITTED, drawn_rows
from pipeline.surroundings import Surroundings

SHARES = (0.125, 0.25, 0.5)  # the point for all training images is the run's own head
REPEATS = 5
MOST_IMAGES = 20_000  # of more training images, the curve and the repeats use so many


@dataclass(frozen=True)
class Fitting:
    """How the heads of a run are fitted."""

    classes: tuple[str, ...]
    strength: float
    iterations: int

    def fit(self, train: Features, rows: Array) -> LinearHead:
        """Return the head that is fitted on some of the training images."""
        return fit_head(
            train.pooled[rows],
            train.labels[rows],
            len(self.classes),
            strength=self.strength,
            iterations=self.iterations,
        )[-1]

    def fit_each(self, train: Features, samples: Sequence[Array], around: Surroundings) -> list[LinearHead]:
        """Return the heads of several sets of rows; raises Interrupted between two of them."""
        most = max((len(rows) for rows in samples), default=0)
        return each(
            lambda rows: self.fit(train, rows), samples, most * train.pooled.shape[1], around.check_stop
        )


def find_out(
    train: Features,
    test: Features,
    head: LinearHead,
    fitting: Fitting,
    around: Surroundings,
    *,
    calibration: Calibration | None,
    fresh: frozenset[str],
) -> Findings:
    """Return all findings of a run.

    Args:
        train: features of all training images.
        test: features of the test images.
        head: fitted on all training images.
        fitting: how that was done.
        around: the seed of the repeats; stop.
        calibration: see `calibrate`.
        fresh: content hashes of the images that are new in this cycle.

    Raises:
        Interrupted: from `around.check_stop`.
    """
    return Findings(
        calibration=calibration,
        repeats=tuple(repeats(train, test, fitting, around)),
        data_curve=tuple(data_curve(train, test, head, fitting, around)),
        novelty=novelty(train, fresh),
    )


def limits(train: Features) -> Iterator[Note]:
    """Say what the findings leave out if there are very many images."""
    if len(train.labels) > MOST_FITTED:
        yield Note(
            f"C was chosen by {MOST_FITTED} of the {len(train.labels)} training images, and the heads that "
            "judge them unseen were fitted on as many, to save memory; the head itself is fitted on all"
        )
    if len(train.labels) > MOST_IMAGES:
        yield Note(
            f"the repeats and all points of the data curve but the last were fitted on at most {MOST_IMAGES} "
            f"of the {len(train.labels)} training images, to save time"
        )


def calibrate(probabilities: Array, labels: Array) -> Calibration | None:
    """Fit the temperature on what networks say of images that they have not seen; None if there are none.

    Args:
        probabilities: float64 (N, classes); a row of NaN is left out.
        labels: class indices, int64 (N,).
    """
    judged = np.isfinite(probabilities).all(axis=1)
    if not judged.any():
        return None
    logits, labels = np.log(np.maximum(probabilities[judged], 1e-300)), labels[judged]
    temperature = fit_temperature(logits, labels)
    before, after = (loss_and_accuracy(logits / t, labels)[0] for t in (1.0, temperature))
    return Calibration(temperature, len(labels), before, after)


def repeats(train: Features, test: Features, fitting: Fitting, around: Surroundings) -> Iterator[float]:
    """Yield the test accuracies of heads fitted on bootstrap samples of the training images.

    Images are drawn with replacement within each class, so that every class is in each sample.
    """
    members = drawn_rows(train.labels, _keys(train), MOST_IMAGES)
    samples = [_sample(members, (around.seed, repeat)) for repeat in range(REPEATS)]
    for head in fitting.fit_each(train, samples, around):
        yield loss_and_accuracy(head.logits(test.pooled), test.labels)[1]


def _sample(members: Sequence[Array], seed: tuple[int, int]) -> Array:
    random = np.random.default_rng(seed)
    return np.concatenate([random.choice(own, len(own)) for own in members])


def data_curve(
    train: Features, test: Features, head: LinearHead, fitting: Fitting, around: Surroundings
) -> Iterator[DataPoint]:
    """Yield what heads fitted on growing parts of the training images say of the test images.

    Of each class the same share is taken, at least one image, and each part contains the smaller ones. Parts
    that are no larger than the one before are left out.
    """
    members = drawn_rows(train.labels, _keys(train), MOST_IMAGES)
    images = len(train.labels)
    parts = {len(rows): rows for rows in (_part(members, share) for share in (*SHARES, 1.0))}
    parts.pop(images, None)
    heads = fitting.fit_each(train, list(parts.values()), around)
    for used, fitted in zip(parts, heads, strict=True):
        yield _point(fitted, test, fitting.classes, used, images)
    yield _point(head, test, fitting.classes, images, images)


def _point(head: LinearHead, test: Features, classes: Sequence[str], used: int, images: int) -> DataPoint:
    is_right = head.logits(test.pooled).argmax(axis=1) == test.labels
    right, tested = (
        np.bincount(labels, minlength=len(classes)).tolist()
        for labels in (test.labels[is_right], test.labels)
    )
    return DataPoint(
        used / images, used, dict(zip(classes, right, strict=True)), dict(zip(classes, tested, strict=True))
    )


def _keys(train: Features) -> list[str]:
    return [image.sha256 for image in train.images]


def _part(members: Sequence[Array], share: float) -> Array:
    """Return the first rows of each class, in the order of the features."""
    return np.sort(np.concatenate([own[: max(1, round(share * len(own)))] for own in members]))
