"""The learning curves of a cycle: what is drawn, and what each drawing says in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isfinite

from markupsafe import Markup

from pipeline.plots import Axes, Curve, XScale, curves_plot
from pipeline.records import EpochMetrics, Run
from pipeline.report_words import KINDS, counted, decimal, duration, percent

WIDE_RANGE = 20.0  # times that differ more than this need a logarithmic axis


@dataclass(frozen=True)
class Panel:
    """One plot with its heading and its finding; `svg` is None if there is nothing to draw."""

    name: str
    heading: str
    finding: str
    svg: Markup | None


def learning_curves(runs: Sequence[Run]) -> tuple[Panel, ...]:
    """Return four panels: test accuracy and training loss, each by epoch and by time."""
    return tuple(
        _panel(runs, f"{value.name}-{along}", f"{value.heading} by {along}", value, finding)
        for value in (ACCURACY, LOSS)
        for along, finding in (("epoch", value.epoch_finding), ("time", value.time_finding))
    )


def phases(run: Run) -> tuple[tuple[str, int], ...]:
    """Return the phases of a run in order, each with its number of finished epochs."""
    counts: dict[str, int] = {}
    for metrics in run.epochs:
        counts[metrics.phase] = counts.get(metrics.phase, 0) + 1
    return tuple(counts.items())


def phase_note(runs: Sequence[Run]) -> str:
    """Say where the dotted lines of the plots stand; empty if no run has a second phase."""
    changes = [
        f"after epoch {before.epoch} {KINDS[run.kind].lower()} goes on with {after.phase}"
        for run in runs
        for before, after in pairwise(run.epochs)
        if before.phase != after.phase
    ]
    return f"Dotted line: {'; '.join(changes)}." if changes else ""


@dataclass(frozen=True)
class _Value:
    name: str
    heading: str
    of: Callable[[EpochMetrics], float]
    axis: str
    is_share: bool
    epoch_finding: Callable[[Sequence[Run]], str]
    time_finding: Callable[[Sequence[Run]], str]


def _panel(
    runs: Sequence[Run], name: str, heading: str, value: _Value, find: Callable[[Sequence[Run]], str]
) -> Panel:
    trained = [run for run in runs if run.epochs]
    finding = find(trained) if trained else "No epoch was finished."
    by_time = name.endswith("time")
    along = _end_times if by_time else _numbers
    curves = [
        Curve(run.kind, tuple(zip(along(run), map(value.of, run.epochs), strict=True))) for run in trained
    ]
    axes = Axes(
        "Seconds of training" if by_time else "Epoch",
        value.axis,
        _time_scale(trained) if by_time else "whole",
        "share" if value.is_share else "number",
    )
    svg = curves_plot(name, f"{heading}. {finding}", axes, curves, _phase_starts(trained, by_time=by_time))
    return Panel(name, heading, finding, svg)


def _numbers(run: Run) -> list[float]:
    return [float(metrics.epoch) for metrics in run.epochs]


def _end_times(run: Run) -> list[float]:
    return list(accumulate(metrics.seconds for metrics in run.epochs))


def _time_scale(runs: Sequence[Run]) -> XScale:
    times = [time for run in runs for time in _end_times(run) if time > 0]
    return "log seconds" if times and max(times) / min(times) > WIDE_RANGE else "seconds"


def _phase_starts(runs: Sequence[Run], *, by_time: bool) -> list[float]:
    """Return where a new phase starts: between two epochs, or at the instant when the first of them ended."""
    return [
        time if by_time else before.epoch + 0.5
        for run in runs
        for (before, after), time in zip(pairwise(run.epochs), _end_times(run), strict=False)
        if before.phase != after.phase
    ]


# ---------------------------------------------------------------- findings


def _accuracy_by_epoch(runs: Sequence[Run]) -> str:
    return " ".join(f"{KINDS[run.kind]}: {_accuracy_path(run)}." for run in runs)


def _accuracy_path(run: Run) -> str:
    first, last = run.epochs[0], run.epochs[-1]
    start = f"{percent(first.test_accuracy)} after epoch {first.epoch}"
    return (
        start if len(run.epochs) == 1 else f"{start}, {percent(last.test_accuracy)} after epoch {last.epoch}"
    )


def _accuracy_by_time(runs: Sequence[Run]) -> str:
    best = [
        max((m.test_accuracy for m in run.epochs if isfinite(m.test_accuracy)), default=0.0) for run in runs
    ]
    level = min(best)
    times = [f"{KINDS[run.kind].lower()} after {duration(_time_to(run, level))}" for run in runs]
    return f"{percent(level)}, the best of {_names_with(runs, best, level)}, is reached by {' and by '.join(times)}."


def _time_to(run: Run, accuracy: float) -> float | None:
    reached = (
        time for m, time in zip(run.epochs, _end_times(run), strict=True) if m.test_accuracy >= accuracy
    )
    return next(reached, None)


def _names_with(runs: Sequence[Run], values: Sequence[float], wanted: float) -> str:
    names = (KINDS[run.kind].lower() for run, value in zip(runs, values, strict=True) if value == wanted)
    return " and ".join(names)


def _loss_by_epoch(runs: Sequence[Run]) -> str:
    return " ".join(
        f"{KINDS[run.kind]}: from {decimal(run.epochs[0].train_loss, 3)} in the first epoch "
        f"to {decimal(run.epochs[-1].train_loss, 3)} in the last of {len(run.epochs)}."
        for run in runs
    )


def _loss_by_time(runs: Sequence[Run]) -> str:
    return " ".join(
        f"{KINDS[run.kind]}: {decimal(run.epochs[-1].train_loss, 3)} after {duration(_end_times(run)[-1])} "
        f"in {counted(len(run.epochs), 'epoch')}."
        for run in runs
    )


ACCURACY = _Value(
    name="accuracy",
    heading="Test accuracy",
    of=lambda metrics: metrics.test_accuracy,
    axis="Test accuracy",
    is_share=True,
    epoch_finding=_accuracy_by_epoch,
    time_finding=_accuracy_by_time,
)
LOSS = _Value(
    name="loss",
    heading="Training loss",
    of=lambda metrics: metrics.train_loss,
    axis="Training loss (nats)",
    is_share=False,
    epoch_finding=_loss_by_epoch,
    time_finding=_loss_by_time,
)
