"""The learning curves of a cycle: what is drawn, and what each drawing says in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

from markupsafe import Markup

from pipeline.records import EpochMetrics, Run
from pipeline.report.plots import Axes, Curve, curves_plot
from pipeline.report.words import KINDS, counted, decimal, duration, percent

XAxis = Literal["epochs", "time"]


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
        panel
        for value in (ACCURACY, LOSS)
        for panel in (
            _panel(runs, "time", f"{value.heading} by time", value, value.time_finding),
            _panel(runs, "epochs", f"{value.heading} by epoch", value, value.epoch_finding),
        )
    )


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
    runs: Sequence[Run], along: XAxis, heading: str, value: _Value, find: Callable[[Sequence[Run]], str]
) -> Panel:
    trained = [run for run in runs if run.epochs]
    finding = find(trained) if trained else "No epoch was finished."
    places = _end_times if along == "time" else _numbers
    curves = [
        Curve(run.kind, tuple(zip(places(run), map(value.of, run.epochs), strict=True))) for run in trained
    ]
    name = f"{value.name}-{along}"
    axes = Axes(along, value.axis, "share" if value.is_share else "number")
    svg = curves_plot(name, f"{heading}. {finding}", axes, curves, _phase_starts(trained, along))
    return Panel(name, heading, finding, svg)


def _numbers(run: Run) -> list[float]:
    return [float(metrics.epoch) for metrics in run.epochs]


def _end_times(run: Run) -> list[float]:
    return list(accumulate(metrics.seconds for metrics in run.epochs))


def _phase_starts(runs: Sequence[Run], along: XAxis) -> list[float]:
    """Return where a new phase starts: between two epochs, or at the instant when the first of them ended."""
    return [
        time if along == "time" else before.epoch + 0.5
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
    soonest = min(runs, key=lambda run: _end_times(run)[-1])
    done = _end_times(soonest)[-1]
    said = [f"{KINDS[soonest.kind]} was done after {duration(done)}, at {percent(_last_accuracy(soonest))}."]
    said += [_while_waiting(run, done) for run in runs if run is not soonest]
    return " ".join(said)


def _while_waiting(run: Run, done: float) -> str:
    """Say where a longer run stood when the shortest was done, and where it ended."""
    by_then = [m for m, time in zip(run.epochs, _end_times(run), strict=True) if time <= done]
    then = f"at {percent(by_then[-1].test_accuracy)}" if by_then else "still in its first epoch"
    end = f"at {percent(_last_accuracy(run))} after {duration(_end_times(run)[-1])}"
    return f"{KINDS[run.kind]} was {then} by then, and {end}."


def _last_accuracy(run: Run) -> float:
    """Return the test accuracy of the model that was kept, which need not be that of the last epoch."""
    return run.epochs[-1].test_accuracy if run.test_accuracy is None else run.test_accuracy


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
