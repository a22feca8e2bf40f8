"""The course of a run: what it had seen, and how good it was, after how long."""

from itertools import accumulate
from math import isfinite

from pipeline.paired import Estimate
from pipeline.phases import image_epochs
from pipeline.records import Run
from pipeline.shares import share


def passes(run: Run) -> int:
    """Return how often the network saw the training images: all epochs on stored features are one pass."""
    return min(1, _feature_epochs(run)) + image_epochs(run)


def epochs_within(run: Run, budget: int) -> int:
    """Return how many epochs a run had finished after so many passes over the training images, at least 1."""
    before = _feature_epochs(run)
    return before + min(budget - min(1, before), image_epochs(run))


def _feature_epochs(run: Run) -> int:
    return len(run.epochs) - image_epochs(run)


def epochs_by(run: Run, seconds: float) -> int:
    """Return how many epochs had ended when a run had trained for so long."""
    return sum(end <= seconds for end in _ends(run))


def trained_seconds(run: Run, epochs: int | None = None) -> float:
    """Return the time of a run's first epochs, or of all; added up one by one, as everywhere here."""
    return sum(metrics.seconds for metrics in run.epochs[:epochs])


def seconds_to(run: Run, accuracy: float) -> float | None:
    """Return how long a run had trained when an epoch first had this test accuracy; None if none had."""
    reached = (
        end for end, metrics in zip(_ends(run), run.epochs, strict=True) if metrics.test_accuracy >= accuracy
    )
    return next(reached, None)


def accuracy_after(run: Run, epochs: int) -> Estimate | None:
    """Return the test accuracy after some epochs, at the end that of the model which was kept.

    None without an epoch or a test image, or where the accuracy is not finite.
    """
    if not epochs or not run.test_images:
        return None
    accuracy = run.epochs[epochs - 1].test_accuracy
    if epochs == len(run.epochs) and run.test_accuracy is not None:
        accuracy = run.test_accuracy
    return share(round(accuracy * run.test_images), run.test_images) if isfinite(accuracy) else None


def _ends(run: Run) -> list[float]:
    """Return for each epoch how long the run had trained when it ended, seconds."""
    return list(accumulate(metrics.seconds for metrics in run.epochs))
