"""Fine-tuning against training from scratch, with as much given to each: passes, time, all that they had."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from pipeline.paired import Comparison, Estimate, compare
from pipeline.phases import begins_on_features
from pipeline.records import Run, RunDetails
from pipeline.report.words import NARROW, counted, duration
from pipeline.run_course import (
    accuracy_after,
    epochs_by,
    epochs_within,
    passes,
    seconds_to,
    trained_seconds,
)
from pipeline.shares import accuracy_of, difference

LEVELS = (0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
CLEARLY = 0.01  # a test loss counts as lower if it is so by this share
UNPAIRED = "the interval of the gain takes the two as unpaired, since they are not known image by image"


@dataclass(frozen=True)
class BudgetRow:
    """The test accuracies of the two runs at one budget."""

    name: str
    finetune: Estimate | None  # None where the run has nothing to show there
    scratch: Estimate | None
    gain: Estimate | None  # fine-tune - from scratch; None where one of them is
    sentence: str  # what was given, and what the interval rests on


@dataclass(frozen=True)
class Reached:
    """How long it took the two runs to reach a test accuracy."""

    accuracy: float
    finetune_seconds: float | None  # None if it never did
    scratch_seconds: float | None
    sentence: str


def budget_rows(finetune: RunDetails, scratch: RunDetails, classes: Sequence[str]) -> tuple[BudgetRow, ...]:
    """Compare the runs at equal passes over the images, at equal wall time, and at their ends.

    At the ends the same images are compared in pairs. Of single epochs only the accuracies are known; there
    the interval of the gain is one for unpaired shares, see `shares.difference`.
    """
    return (
        _at_equal_passes(finetune.run, scratch.run),
        _at_equal_time(finetune.run, scratch.run),
        _at_their_ends(finetune, scratch, classes),
    )


def reached(finetune: Run, scratch: Run) -> tuple[Reached, ...]:
    """Return the time in epochs to each of LEVELS that at least one of the runs reached."""
    found = ((level, seconds_to(finetune, level), seconds_to(scratch, level)) for level in LEVELS)
    return tuple(
        Reached(level, tuned, plain, _who_reached(level, finetune, tuned, scratch, plain))
        for level, tuned, plain in found
        if tuned is not None or plain is not None
    )


def still_improving(run: Run) -> bool:
    """Return whether the last epoch was the best: by its test loss clearly, or by its accuracy.

    A run of less than two epochs had no chance to level off, so it was; one that ended in NaN was not.
    """
    if not run.epochs:
        return True
    *earlier, last = run.epochs
    if not isfinite(last.test_loss):
        return False
    before = [metrics for metrics in earlier if isfinite(metrics.test_loss)]
    return all(last.test_loss <= (1 - CLEARLY) * metrics.test_loss for metrics in before) or all(
        last.test_accuracy > metrics.test_accuracy for metrics in before
    )


# ---------------------------------------------------------------- budgets


def _at_equal_passes(finetune: Run, scratch: Run) -> BudgetRow:
    name = "equal passes over the images"
    budget = min(passes(finetune), passes(scratch))
    if not budget:
        return BudgetRow(name, None, None, None, _without_epochs(finetune, scratch))
    word = "pass" if budget == 1 else "passes"
    given = f"after {budget:,}{NARROW}{word} over the training images each"
    head = "the head's own epochs read stored features, not images" if begins_on_features(finetune) else ""
    ends = (epochs_within(finetune, budget), epochs_within(scratch, budget))
    return _unpaired(name, finetune, scratch, ends, (given, head, _different_sizes(finetune, scratch)))


def _at_equal_time(finetune: Run, scratch: Run) -> BudgetRow:
    name = "equal wall time"
    if not finetune.epochs or not scratch.epochs:
        return BudgetRow(name, None, None, None, _without_epochs(finetune, scratch))
    seconds = trained_seconds(finetune)
    ends = (len(finetune.epochs), epochs_by(scratch, seconds))
    if not ends[1]:
        return BudgetRow(name, accuracy_after(finetune, ends[0]), None, None, _too_slow(seconds, scratch))
    took = duration(trained_seconds(scratch, ends[1]))
    done = f"in the {duration(seconds)} of the fine-tune the baseline finished {counted(ends[1], 'epoch')}"
    extent = f"all of its training, {took}" if ends[1] == len(scratch.epochs) else took
    return _unpaired(
        name, finetune, scratch, ends, (f"{done} ({extent})", _different_sizes(finetune, scratch))
    )


def _at_their_ends(finetune: RunDetails, scratch: RunDetails, classes: Sequence[str]) -> BudgetRow:
    name = "at their ends"
    runs = (finetune.run, scratch.run)
    tuned, plain = (duration(trained_seconds(run)) for run in runs)
    spent = f"the fine-tune trained for {tuned}, the baseline for {plain}"
    parts = (spent, *(_stopped_early(run) for run in runs), _different_sizes(*runs))
    comparison = _in_pairs(finetune, scratch, classes)
    if comparison is None:
        ends = (len(finetune.run.epochs), len(scratch.run.epochs))
        return _unpaired(name, *runs, ends, parts)
    tested = f"the gain is that on the {counted(comparison.images, 'test image')} that both were given"
    accuracies = (accuracy_of(finetune.evaluation), accuracy_of(scratch.evaluation))
    return BudgetRow(name, *accuracies, comparison.gain, _joined((*parts, tested)))


def _in_pairs(finetune: RunDetails, scratch: RunDetails, classes: Sequence[str]) -> Comparison | None:
    if finetune.evaluation is None or scratch.evaluation is None:
        return None
    return compare(scratch.evaluation, finetune.evaluation, classes)


def _unpaired(
    name: str, finetune: Run, scratch: Run, ends: tuple[int, int], parts: Sequence[str]
) -> BudgetRow:
    """Return the row of two runs after some epochs of each."""
    tuned, plain = accuracy_after(finetune, ends[0]), accuracy_after(scratch, ends[1])
    if tuned is None or plain is None:
        missing = [f"{_name(run)} has no test result there" for run, found in
                   ((finetune, tuned), (scratch, plain)) if found is None]  # fmt: skip
        return BudgetRow(name, tuned, plain, None, _joined((*parts, *missing)))
    gain = difference(
        round(tuned.value * finetune.test_images), finetune.test_images,
        round(plain.value * scratch.test_images), scratch.test_images,
    )  # fmt: skip
    return BudgetRow(name, tuned, plain, gain, _joined((*parts, _own_tests(scratch, finetune), UNPAIRED)))


# ---------------------------------------------------------------- sentences


def _who_reached(level: float, finetune: Run, tuned: float | None, scratch: Run, plain: float | None) -> str:
    goal = f"{100 * level:.0f}{NARROW}%"
    if tuned is not None:
        return f"fine-tune passed {goal} after {duration(tuned)}, {_as_for('scratch', scratch, plain)}"
    return f"scratch passed {goal} after {duration(plain)}, {_as_for('fine-tune', finetune, tuned)}"


def _as_for(name: str, run: Run, seconds: float | None) -> str:
    if seconds is not None:
        return f"{name} after {duration(seconds)}"
    if not run.epochs:
        return f"{name} finished no epoch"
    return f"{name} had not after {duration(trained_seconds(run))}"


def _too_slow(seconds: float, scratch: Run) -> str:
    return (
        f"when the fine-tune was done, after {duration(seconds)}, the baseline was still in its first epoch, "
        f"which took {duration(scratch.epochs[0].seconds)}; until then it could but guess the commonest class"
    )


def _without_epochs(finetune: Run, scratch: Run) -> str:
    return _joined([f"{_name(run)} finished no epoch" for run in (finetune, scratch) if not run.epochs])


def _different_sizes(finetune: Run, scratch: Run) -> str:
    if finetune.train_images == scratch.train_images:
        return ""
    images = counted(finetune.train_images, "training image")
    return f"the fine-tune has {images}, the baseline {scratch.train_images:,d}"


def _own_tests(scratch: Run, finetune: Run) -> str:
    if scratch.cycle_id == finetune.cycle_id:
        return ""
    images = counted(scratch.test_images, "test image")
    return f"the baseline's epochs were tested in cycle {scratch.cycle_id}, on its {images}"


def _stopped_early(run: Run) -> str:
    return "" if run.status == "finished" else f"the training of {_name(run)}: {run.status}"


def _name(run: Run) -> str:
    return "the fine-tune" if run.kind == "finetune" else "the baseline"


def _joined(parts: Sequence[str]) -> str:
    return "; ".join(part for part in parts if part)
