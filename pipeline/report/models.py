"""The models that a cycle's page compares, with the probabilities that it shows: the calibrated ones."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.calibration import calibrated
from pipeline.paired import Estimate
from pipeline.records import Cycle, Evaluation, RunDetails
from pipeline.report.plot_frame import Kind
from pipeline.report.words import NOTHING, interval, percent, points


@dataclass(frozen=True)
class Model:
    """A run with what it says of the test images of this cycle."""

    kind: Kind
    name: str  # as columns and legends call it
    details: RunDetails
    evaluation: Evaluation  # calibrated


def models_of(cycle: Cycle) -> tuple[Model, ...]:
    """Return the tested models: the fine-tune, the one from scratch, and the champion they stand against."""
    return tuple(
        Model(
            kind,
            name,
            details,
            calibrated(details.evaluation, details.findings.temperature, cycle.snapshot.classes),
        )
        for kind, name, details in runs_of(cycle)
        if details.evaluation and cycle.snapshot
    )


def runs_of(cycle: Cycle) -> tuple[tuple[Kind, str, RunDetails], ...]:
    """Return the runs that the page puts beside each other, tested or not."""
    champion = cycle.compared
    columns: tuple[tuple[Kind, str, RunDetails | None], ...] = (
        ("finetune", "Fine-tune", cycle.finetune),
        ("scratch", "From scratch", cycle.scratch),
        ("champion", f"Champion (run {champion.run.id})" if champion else "Champion", champion),
    )
    return tuple((kind, name, details) for kind, name, details in columns if details)


def model_of(models: Iterable[Model], kind: Kind) -> Model | None:
    """Return the model of this kind; None if there is none."""
    return next((model for model in models if model.kind == kind), None)


# ---------------------------------------------------------------- estimates in words


def share_with_interval(estimate: Estimate | None) -> str:
    """Return `98.5 % (96.8 to 99.3 %)`, or a dash."""
    if estimate is None:
        return NOTHING
    return f"{percent(estimate.value)} ({interval(estimate.low, estimate.high)})"


def gain_with_interval(estimate: Estimate) -> str:
    """Return `+1.8 percentage points (+0.2 to +3.3)`."""
    digits = 1 if abs(estimate.value) >= 0.01 else 2  # as `points` has them
    low, high = (signed(100 * end, digits) for end in (estimate.low, estimate.high))
    return f"{signed_points(estimate.value)} ({low} to {high})"


def signed_points(difference: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return f"{'+' if difference > 0 else ''}{points(difference)}".replace("-", "\N{MINUS SIGN}")


def signed(value: float, digits: int) -> str:
    """Return a number with its sign, but no sign where all its digits are 0."""
    text = f"{value:+.{digits}f}"
    return (text if float(text) else f"{0:.{digits}f}").replace("-", "\N{MINUS SIGN}")
