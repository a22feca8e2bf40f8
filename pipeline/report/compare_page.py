"""What the page of two runs shows: what they did, how they were set, and where their answers differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.calibration import calibrated
from pipeline.compare import SIGNIFICANCE
from pipeline.paired import Comparison, compare
from pipeline.records import RunDetails
from pipeline.report.classes import Confusion, confusions_of
from pipeline.report.comparison import Row, environment_rows, run_rows, setting_rows
from pipeline.report.models import Model, gain_with_interval, signed
from pipeline.report.page_templates import rendered
from pipeline.report.plot_frame import Kind
from pipeline.report.scores import Score, score_of
from pipeline.report.training import Column
from pipeline.report.turned import Turned, turned
from pipeline.report.words import KINDS, counted

_KINDS: tuple[Kind, Kind] = ("champion", "finetune")  # how the first and the second are marked


@dataclass(frozen=True)
class Answers:
    """What the two said of the test images."""

    confusions: tuple[Confusion, ...]
    turned: Turned | None  # None: no test image was given to both


@dataclass(frozen=True)
class Trainings:
    """How the two came about."""

    columns: tuple[Column, ...]
    trained: tuple[Column, ...]
    facts: tuple[Row, ...]
    settings: tuple[Row, ...]
    environment: tuple[Row, ...]


@dataclass(frozen=True)
class ComparePage:
    """Everything that the template needs; the sections have the names that they have on a cycle's page."""

    headline: str
    sentence: str
    scores: tuple[tuple[Column, Score | None], ...]  # None: the run was not tested
    quality: Answers
    training: Trainings


def render_comparison(
    before: RunDetails, after: RunDetails, classes: Sequence[str], thumbnails: Mapping[str, bytes]
) -> str:
    """Return the page that shows two runs side by side, with their evaluations on the same test images.

    Args:
        before: the run that the other one is compared with.
        after: the other one.
        classes: in the order of the probabilities.
        thumbnails: JPEGs by content hash, of whichever images there are some.
    """
    return rendered("compare.html", page=comparison_page(before, after, classes, thumbnails))


def comparison_page(
    before: RunDetails, after: RunDetails, classes: Sequence[str], thumbnails: Mapping[str, bytes]
) -> ComparePage:
    """Work out the page of two runs, of which any may have failed."""
    columns = tuple(_column(kind, details) for kind, details in zip(_KINDS, (before, after), strict=True))
    old, new = (_model(column, classes) for column in columns)
    comparison = compare(old.evaluation, new.evaluation, classes) if old and new else None
    return ComparePage(
        headline=f"Run {after.run.id} against run {before.run.id}",
        sentence=_sentence(comparison, before.run.id, after.run.id),
        scores=tuple((column, score_of(column.details)) for column in columns),
        quality=Answers(
            confusions_of(tuple(model for model in (old, new) if model), tuple(classes)),
            turned(old, new, comparison, classes, thumbnails) if old and new and comparison else None,
        ),
        training=_trainings(columns, classes),
    )


def _column(kind: Kind, details: RunDetails) -> Column:
    return Column(kind, f"Run {details.run.id}, {KINDS[details.run.kind].lower()}", details)


def _model(column: Column, classes: Sequence[str]) -> Model | None:
    details = column.details
    if details.evaluation is None:
        return None
    shown = calibrated(details.evaluation, details.findings.temperature, classes)
    return Model(column.kind, column.name, details, shown)


def _trainings(columns: tuple[Column, ...], classes: Sequence[str]) -> Trainings:
    both = [column.details for column in columns]
    return Trainings(columns, columns, run_rows(both, classes), setting_rows(both), environment_rows(both))


def _sentence(comparison: Comparison | None, before: int, after: int) -> str:
    if comparison is None:
        return "No test image was given to both runs, so their accuracies cannot be compared."
    better = "better" if comparison.gain.value > 0 else "worse"
    start = f"Run {after} is {better} than run {before}"
    if comparison.p_value >= SIGNIFICANCE:
        start = "The test images show no difference"
    loss = comparison.log_loss_change
    gain = gain_with_interval(comparison.gain)
    return (
        f"{start}: of {counted(comparison.images, 'shared test image')} run {after} gets "
        f"{len(comparison.fixed):,d} newly right and {len(comparison.broken):,d} newly wrong (exact McNemar "
        f"test: p = {comparison.p_value:.2g}), a change in accuracy of {gain}; the log loss changes by "
        f"{signed(loss.value, 4)} ({signed(loss.low, 4)} to {signed(loss.high, 4)}), where less is better. "
        "In brackets: 95 % intervals."
    )
