"""How good a run is, with how sure that is: the figure that both pages show."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from pipeline.evaluation_tables import correct_and_total
from pipeline.intervals import wilson_interval
from pipeline.records import Run, RunDetails, SnapshotSummary
from pipeline.report.words import KINDS, interval, percent


@dataclass(frozen=True)
class Score:
    """A run's test accuracy with its 95 % Wilson interval; shares within 0..1."""

    run: Run
    accuracy: float
    low: float
    high: float
    images: int  # test images

    @property
    def name(self) -> str:
        """What the run is called on the pages."""
        return KINDS[self.run.kind]

    @property
    def text(self) -> str:
        """The accuracy and its interval in one line."""
        return f"{percent(self.accuracy)} ({interval(self.low, self.high)})"


def score_of(details: RunDetails | None, snapshot: SnapshotSummary | None = None) -> Score | None:
    """Return the score of a run; None if there is no run, or it was not tested.

    Args:
        details: of the run. In a list of cycles its evaluation has no predictions, which could be counted.
        snapshot: whose test images such an evaluation is on; None where the predictions are there.
    """
    if details is None:
        return None
    run, evaluation = details.run, details.evaluation
    if evaluation is None:
        accuracy, total = run.test_accuracy, run.test_images
    elif snapshot is None or evaluation.predictions:
        correct, total = correct_and_total(evaluation)
        accuracy = correct / total if total else None
    else:
        accuracy, total = evaluation.accuracy, snapshot.total("test")
    if accuracy is None or not isfinite(accuracy):
        return None
    correct = round(accuracy * total)
    return Score(run, correct / total, *wilson_interval(correct, total), total) if total else None


def commonest(snapshot: SnapshotSummary) -> tuple[str, float] | None:
    """Return the commonest class of the test images and its share: what always saying it would score."""
    counts: Mapping[str, int] = snapshot.counts.get("test", {})
    total = sum(counts.values())
    if not total:
        return None
    label = max(snapshot.classes, key=lambda name: counts.get(name, 0))
    return label, counts.get(label, 0) / total


def train_images_of(snapshot: SnapshotSummary) -> int:
    """Return how many training images a snapshot has."""
    return sum(snapshot.counts.get("train", {}).values())
