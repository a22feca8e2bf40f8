"""What the sections on the classes show: who was taken for whom, and how well each class is found."""

from dataclasses import dataclass

from pipeline.class_metrics import class_metrics
from pipeline.evaluation_tables import confusion_matrix
from pipeline.records import Evaluation
from pipeline.report.models import Model, share_with_interval
from pipeline.report.plot_frame import Kind


@dataclass(frozen=True)
class Cell:
    """One field of a confusion matrix."""

    count: int
    share: float  # of its row, 0..1
    right: bool


@dataclass(frozen=True)
class Confusion:
    """Who was taken for whom by one run: a row for each true class."""

    name: str
    kind: Kind
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class ClassRow:
    """How well one model finds one class."""

    label: str
    kind: Kind
    name: str
    images: int
    precision: str
    recall: str
    f1: str


def confusions_of(models: tuple[Model, ...], classes: tuple[str, ...]) -> tuple[Confusion, ...]:
    """Return a matrix for each model."""
    return tuple(
        Confusion(model.name, model.kind, classes, _confusion_rows(model.evaluation, classes))
        for model in models
    )


def class_rows(models: tuple[Model, ...], classes: tuple[str, ...]) -> tuple[ClassRow, ...]:
    """Return precision, recall and F1 with their 95 % intervals, of each class the models side by side."""
    rows = [
        ClassRow(
            metrics.label,
            model.kind,
            model.name,
            metrics.images,
            share_with_interval(metrics.precision),
            share_with_interval(metrics.recall),
            share_with_interval(metrics.f1),
        )
        for model in models
        for metrics in class_metrics(model.evaluation, classes)
    ]
    return tuple(sorted(rows, key=lambda row: classes.index(row.label)))


def _confusion_rows(
    evaluation: Evaluation, classes: tuple[str, ...]
) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    return tuple(
        (
            classes[true],
            tuple(Cell(count, count / max(sum(row), 1), true == said) for said, count in enumerate(row)),
        )
        for true, row in enumerate(confusion_matrix(evaluation, classes))
    )
