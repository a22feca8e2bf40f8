"""What the section on ROC and precision-recall shows: how well a class is told from the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.ranking import Curve, precision_recall, roc
from pipeline.records import Evaluation
from pipeline.report.models import Model
from pipeline.report.plots_quality import Line, ranking_plot

MOST_DRAWN = 4  # classes


@dataclass(frozen=True)
class Area:
    """The areas under both curves of one model, 0..1; None where a class has no or only images."""

    model: Model
    roc: float | None
    precision_recall: float | None


@dataclass(frozen=True)
class Ranked:
    """One class against all others."""

    label: str
    areas: tuple[Area, ...]
    finding: str
    roc: Markup | None
    precision_recall: Markup | None


@dataclass(frozen=True)
class Ranking:
    """The classes that are ranked: of two the second only, since the curves of the first mirror its own."""

    of_two: bool
    ranked: tuple[Ranked, ...]


def ranking_of(models: tuple[Model, ...], classes: tuple[str, ...]) -> Ranking | None:
    """Work out the section; None if no model was tested."""
    if not models:
        return None
    labels = sorted(classes)[1:2] if len(classes) == 2 else sorted(classes)
    ranked = [_ranked(models, classes, label, number) for number, label in enumerate(labels)]
    return Ranking(len(classes) == 2, tuple(ranked))


def _ranked(models: Sequence[Model], classes: Sequence[str], label: str, number: int) -> Ranked:
    by_roc = _curves(models, classes, label, roc)
    by_recall = _curves(models, classes, label, precision_recall)
    areas = tuple(
        Area(model, one.area if one else None, other.area if other else None)
        for model, one, other in zip(models, by_roc, by_recall, strict=True)
    )
    finding = _finding(areas)
    if number >= MOST_DRAWN:
        return Ranked(label, areas, finding, None, None)
    return Ranked(
        label,
        areas,
        finding,
        ranking_plot(
            f"roc-{number}", f"ROC. {finding}", "False alarms", "Found", _lines(models, by_roc), chance=True
        ),
        ranking_plot(
            f"precision-recall-{number}",
            f"Precision and recall. {finding}",
            "Recall: found",
            "Precision: right when said",
            _lines(models, by_recall),
            chance=False,
        ),
    )


def _curves(
    models: Sequence[Model],
    classes: Sequence[str],
    label: str,
    draw: Callable[[Evaluation, Sequence[str], str], Curve | None],
) -> list[Curve | None]:
    return [draw(model.evaluation, classes, label) for model in models]


def _lines(models: Sequence[Model], curves: Sequence[Curve | None]) -> list[Line]:
    return [Line(model.kind, curve.points) for model, curve in zip(models, curves, strict=True) if curve]


def _finding(areas: Sequence[Area]) -> str:
    known = [
        f"{area.model.name}: area under ROC {area.roc:.4f}, average precision {area.precision_recall:.4f}"
        for area in areas
        if area.roc is not None and area.precision_recall is not None
    ]
    return (
        f"{'; '.join(known)}."
        if known
        else "All test images or none are of this class, so there is no curve."
    )
