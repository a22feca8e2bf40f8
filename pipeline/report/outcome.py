"""How a cycle ended, in a badge, a headline and a sentence."""

from dataclasses import dataclass

from pipeline.phases import counted_passes, phases
from pipeline.records import Cycle, RunDetails
from pipeline.report.scores import score_of
from pipeline.report.words import DECISIONS, STATUSES, percent


@dataclass(frozen=True)
class Badge:
    """The outcome as a shape (by `key`) and a word."""

    key: str  # a decision or a status
    word: str


def badges_of(cycle: Cycle) -> tuple[Badge, ...]:
    """Return the decision if there is one, and the status where it says more than that."""
    badges = [Badge(cycle.verdict.decision, DECISIONS[cycle.verdict.decision][0])] if cycle.verdict else []
    if cycle.verdict is None or cycle.status in {"failed", "interrupted"}:
        badges.append(Badge(cycle.status, STATUSES[cycle.status]))
    return tuple(badges)


def headline(cycle: Cycle) -> str:
    """Return the outcome and the score of the fine-tuned model in one line."""
    word = badges_of(cycle)[0].word
    score = score_of(cycle.finetune)
    if score is None:
        return f"{word}: no tested model"
    return f"{word}: {percent(score.accuracy)} of {score.images:,d} test images right"


def sentence(cycle: Cycle) -> str:
    """Say what the outcome means: for the champion, and for the numbers on the page."""
    if cycle.verdict is None:
        return _without_verdict(cycle)
    decision = DECISIONS[cycle.verdict.decision][1]
    if cycle.status not in {"failed", "interrupted"}:
        return decision
    cut = "was cut off" if cycle.status == "interrupted" else "stopped at an error"
    return f"{decision} The decision stands. Afterwards the cycle {cut}{_where(cycle.scratch)}"


def _without_verdict(cycle: Cycle) -> str:
    kept = _kept(cycle.finetune)
    return {
        "running": f"This cycle has not ended yet. {kept}",
        "finished": "This cycle ended without a verdict.",
        "failed": f"This cycle stopped at an error before a verdict, so no model was promoted. {kept}",
        "interrupted": f"This cycle was cut off before a verdict, so no model was promoted. {kept}",
    }[cycle.status]


def _where(scratch: RunDetails | None) -> str:
    if scratch is None or scratch.run.status == "finished":
        return "."
    return f" while it trained the baseline from scratch. {_kept(scratch)}"


def _kept(details: RunDetails | None) -> str:
    """Say which epochs of an unfinished run are on the page."""
    done = phases(details.run) if details else ()
    if not done:
        return "No epoch was finished."
    return f"What was finished is shown below: {', '.join(counted_passes(n, phase) for phase, n in done)}."
