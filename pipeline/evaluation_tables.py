"""What an evaluation says, as tables: who was taken for whom, and which images went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import Evaluation, Prediction


@dataclass(frozen=True)
class Mistake:
    """A test image that was given a wrong class."""

    prediction: Prediction
    said: str
    probability: float  # of the wrong class, 0..1


def said_index(prediction: Prediction) -> int:
    """Return the index of the most probable class; the first one of equals."""
    return max(range(len(prediction.probabilities)), key=prediction.probabilities.__getitem__)


def confusion_matrix(evaluation: Evaluation, classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Count test images: row is the true class, column the class that was said, in the order of `classes`."""
    counts = [[0] * len(classes) for _ in classes]
    for prediction in evaluation.predictions:
        counts[classes.index(prediction.label)][said_index(prediction)] += 1
    return tuple(tuple(row) for row in counts)


def errors_of(evaluation: Evaluation, classes: Sequence[str]) -> tuple[Mistake, ...]:
    """Return the wrongly classified images, the most confident first; equals in order of content hash."""
    said = ((prediction, said_index(prediction)) for prediction in evaluation.predictions)
    mistakes = (
        Mistake(prediction, classes[index], prediction.probabilities[index])
        for prediction, index in said
        if classes[index] != prediction.label
    )
    return tuple(sorted(mistakes, key=lambda mistake: (-mistake.probability, mistake.prediction.sha256)))


def correct_and_total(evaluation: Evaluation) -> tuple[int, int]:
    """Return how many test images were right, and how many there were."""
    total = len(evaluation.predictions)
    return round(evaluation.accuracy * total), total
