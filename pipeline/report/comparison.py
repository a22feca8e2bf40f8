"""The runs of a cycle side by side: what they did, what they were given, how they were set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.calibration import calibrated
from pipeline.phases import begins_on_features, counted_passes, image_epochs, on_features, phases
from pipeline.records import Run, RunDetails
from pipeline.report.scores import score_of
from pipeline.report.words import NARROW, NOTHING, decimal, duration, integer
from pipeline.shown import shown


@dataclass(frozen=True)
class Row:
    """One property of each run, in the order of the columns."""

    name: str
    cells: tuple[str, ...]
    differs: bool


def run_rows(runs: Sequence[RunDetails], classes: Sequence[str]) -> tuple[Row, ...]:
    """Return what was trained, on how much, and what came of it; without what no run has.

    Args:
        runs: the columns.
        classes: in the order of the probabilities.
    """
    rows = (_row(name, [fact(details) for details in runs]) for name, fact in _facts(classes))
    return tuple(row for row in rows if set(row.cells) != {NOTHING})


def setting_rows(runs: Sequence[RunDetails]) -> tuple[Row, ...]:
    """Return every setting of the resolved recipes, nested ones by their dotted name."""
    return _union([dict(_flat(details.run.settings)) for details in runs])


def environment_rows(runs: Sequence[RunDetails]) -> tuple[Row, ...]:
    """Return the versions and the device of each run."""
    return _union([dict(_flat(details.run.environment)) for details in runs])


def _union(columns: Sequence[Mapping[str, str]]) -> tuple[Row, ...]:
    names = sorted({name for column in columns for name in column})
    return tuple(_row(name, [column.get(name, NOTHING) for column in columns]) for name in names)


def _row(name: str, cells: Sequence[str]) -> Row:
    return Row(name, tuple(cells), differs=len(set(cells)) > 1)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value) or NOTHING
    return NOTHING if value is None or value == {} else shown(str(value))


# ---------------------------------------------------------------- facts of a run


def _accuracy(details: RunDetails) -> str:
    score = score_of(details)
    return score.text if score else NOTHING


def _right(details: RunDetails) -> str:
    score = score_of(details)
    return f"{score.accuracy * score.images:,.0f} of {score.images:,d}" if score else NOTHING


def _log_loss(details: RunDetails) -> str:
    """Return the log loss on the images of this cycle: those of an earlier run's own test may be others."""
    return decimal(details.evaluation.log_loss if details.evaluation else details.run.test_log_loss)


def _calibrated_log_loss(details: RunDetails, classes: Sequence[str]) -> str:
    calibration = details.findings.calibration
    if details.evaluation is None or calibration is None:
        return NOTHING
    return decimal(calibrated(details.evaluation, calibration.temperature, classes).log_loss)


def _of_run(fact: Callable[[Run], str]) -> Callable[[RunDetails], str]:
    return lambda details: fact(details.run)


def _images_through(run: Run) -> str:
    if not run.epochs:
        return NOTHING
    if on_features(run):
        return f"{integer(run.train_images)} (each once)"
    passes = image_epochs(run)
    if begins_on_features(run):
        part = f"{100 * (1 - run.settings['validation_share']):.0f}{NARROW}%"
        return (
            f"{integer(run.train_images)} (each once), then {passes} times the {part} that are not held out"
        )
    return f"{integer(passes * run.train_images)} ({passes} times {integer(run.train_images)})"


def _passes(run: Run) -> str:
    return ", ".join(counted_passes(number, phase) for phase, number in phases(run)) or "none finished"


def _speed(run: Run) -> str:
    return NOTHING if run.images_per_second is None else f"{run.images_per_second:,.0f} images/s"


def _facts(classes: Sequence[str]) -> tuple[tuple[str, Callable[[RunDetails], str]], ...]:
    """Return the name of each property and how it is read from a run."""
    return (
        ("Run", _of_run(lambda run: f"{run.id} ({run.status})")),
        ("Error", _of_run(lambda run: run.error or NOTHING)),
        ("Test accuracy, 95 % interval", _accuracy),
        ("Test images right", _right),
        ("Log loss on the test images", _log_loss),
        ("Log loss, calibrated", partial(_calibrated_log_loss, classes=classes)),
        ("Recipe", _of_run(lambda run: run.recipe)),
        ("Backbone", _of_run(lambda run: run.backbone)),
        ("Device", _of_run(lambda run: run.device)),
        ("Training images", _of_run(lambda run: integer(run.train_images))),
        ("Given: training images through the network", _of_run(_images_through)),
        ("Given: epochs", _of_run(_passes)),
        (
            "Given: time in epochs",
            _of_run(lambda run: duration(sum(metrics.seconds for metrics in run.epochs))),
        ),
        ("Time of the whole run", _of_run(lambda run: duration(run.seconds))),
        ("Speed in training", _of_run(_speed)),
    )
