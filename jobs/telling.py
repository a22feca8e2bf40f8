"""Which test images tell most about a new model."""

from collections.abc import Iterator, Sequence

from pipeline.evaluation_tables import errors_of
from pipeline.records import Cycle, Evaluation, Prediction

EACH = 24  # pictures that a section of the report shows


def telling_images(cycle: Cycle) -> tuple[Prediction, ...]:
    """Return the worst errors of the new model, and what it has newly wrong and newly right."""
    return tuple({prediction.sha256: prediction for prediction in _telling(cycle)}.values())


def _telling(cycle: Cycle) -> Iterator[Prediction]:
    if cycle.snapshot is None or cycle.finetune is None or cycle.finetune.evaluation is None:
        return
    after, classes = cycle.finetune.evaluation, cycle.snapshot.classes
    yield from _wrong(after, classes)[:EACH]
    before = cycle.compared.evaluation if cycle.compared else None
    if before is not None:
        yield from _only_wrong_in(after, before, classes)[:EACH]
        yield from _only_wrong_in(before, after, classes)[:EACH]


def _wrong(evaluation: Evaluation, classes: Sequence[str]) -> list[Prediction]:
    """Return the wrong predictions, the surest first."""
    return [mistake.prediction for mistake in errors_of(evaluation, classes)]


def _only_wrong_in(one: Evaluation, other: Evaluation, classes: Sequence[str]) -> list[Prediction]:
    """Return the first evaluation's wrong predictions of images that the other has right."""
    right = {prediction.sha256 for prediction in other.predictions}
    right -= {prediction.sha256 for prediction in _wrong(other, classes)}
    return [prediction for prediction in _wrong(one, classes) if prediction.sha256 in right]
