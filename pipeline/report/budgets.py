"""What the learning curves say of fine-tuning against training from scratch, at equal budgets."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.budgets import budget_rows, reached, still_improving
from pipeline.records import Cycle, Run
from pipeline.report.models import gain_with_interval, share_with_interval
from pipeline.report.words import KINDS, NOTHING, duration


@dataclass(frozen=True)
class Budget:
    """Both runs after they have been given the same, in words."""

    name: str
    finetune: str
    scratch: str
    gain: str
    sentence: str


@dataclass(frozen=True)
class Goal:
    """When both runs passed an accuracy, in words."""

    accuracy: float
    finetune: str
    scratch: str
    sentence: str


@dataclass(frozen=True)
class Budgets:
    """The fair comparison of the fine-tune with the baseline."""

    budgets: tuple[Budget, ...]
    goals: tuple[Goal, ...]
    improving: tuple[str, ...]  # a sentence for each run that was still getting better


def budgets_of(cycle: Cycle) -> Budgets | None:
    """Work out the comparison; None unless both runs have finished epochs."""
    finetune, scratch = cycle.finetune, cycle.scratch
    if finetune is None or scratch is None or cycle.snapshot is None:
        return None
    if not (finetune.run.epochs and scratch.run.epochs):
        return None
    rows = budget_rows(finetune, scratch, cycle.snapshot.classes)
    return Budgets(
        budgets=tuple(
            Budget(
                row.name,
                share_with_interval(row.finetune),
                share_with_interval(row.scratch),
                gain_with_interval(row.gain) if row.gain else NOTHING,
                row.sentence,
            )
            for row in rows
        ),
        goals=tuple(
            Goal(
                goal.accuracy, duration(goal.finetune_seconds), duration(goal.scratch_seconds), goal.sentence
            )
            for goal in reached(finetune.run, scratch.run)
        ),
        improving=tuple(_improving(finetune.run, scratch.run)),
    )


def _improving(*runs: Run) -> Iterator[str]:
    for run in runs:
        if still_improving(run):
            yield f"{KINDS[run.kind]} was still improving when it ended, so more time would have helped it."
