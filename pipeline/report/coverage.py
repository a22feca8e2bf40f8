"""What the section on rejection shows: fewer answers, but better ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.coverage import CoveragePoint, coverage_curve
from pipeline.evaluation_arrays import as_arrays
from pipeline.records import Evaluation
from pipeline.report.models import Model, model_of, share_with_interval
from pipeline.report.plots_quality import Line, coverage_plot
from pipeline.report.words import NARROW, NOTHING, counted, percent
from pipeline.shares import share

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99)
NAMED = 0.9


@dataclass(frozen=True)
class ThresholdRow:
    """What answering only above a threshold keeps and gives, in words."""

    threshold: str
    answered: str
    images: int
    right: str


@dataclass(frozen=True)
class Coverage:
    """The fine-tune with the least sure answers left out; the plot has the other models, too."""

    sentence: str
    rows: tuple[ThresholdRow, ...]
    plot: Markup | None


@dataclass(frozen=True)
class Kept:
    """What a model answers if it may leave out what it is not sure of."""

    images: int
    right: int
    total: int


def coverage_of(models: tuple[Model, ...], classes: tuple[str, ...]) -> Coverage | None:
    """Work out the section; None if the fine-tune was not tested."""
    finetune = model_of(models, "finetune")
    if finetune is None or not finetune.evaluation.predictions:
        return None
    kept = {threshold: kept_above(finetune.evaluation, classes, threshold) for threshold in THRESHOLDS}
    sentence = _sentence(kept[NAMED])
    title = f"Coverage against accuracy. {sentence}"
    lines = [_line(model, coverage_curve(model.evaluation, classes)) for model in models]
    return Coverage(
        sentence=sentence,
        rows=tuple(_row(threshold, of) for threshold, of in kept.items()),
        plot=coverage_plot("coverage-curve", title, lines),
    )


def kept_above(evaluation: Evaluation, classes: tuple[str, ...], threshold: float) -> Kept:
    """Count the images whose most probable class has at least this probability."""
    probabilities, labels = as_arrays(evaluation.predictions, classes)
    kept = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    return Kept(int(kept.sum()), int((kept & right).sum()), len(labels))


def _line(model: Model, curve: Sequence[CoveragePoint]) -> Line:
    return Line(
        model.kind,
        tuple((point.coverage, point.accuracy) for point in curve),
        tuple((point.low, point.high) for point in curve) if model.kind == "finetune" else (),
    )


def _row(threshold: float, kept: Kept) -> ThresholdRow:
    answered = percent(kept.images / kept.total)
    return ThresholdRow(f"{threshold:g}", answered, kept.images, _right(kept) if kept.images else NOTHING)


def _right(kept: Kept) -> str:
    return share_with_interval(share(kept.right, kept.images))


def _sentence(kept: Kept) -> str:
    if not kept.images:
        return f"On no test image is the model {NAMED * 100:g}{NARROW}% sure."
    answered = percent(kept.images / kept.total)
    return (
        f"Answering only where the model is at least {NAMED * 100:g}{NARROW}% sure keeps {answered} of the "
        f"{counted(kept.total, 'test image')}, and of these it is right for {_right(kept)}."
    )
