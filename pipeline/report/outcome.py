"""How a cycle ended, in a badge, a headline and a sentence."""

from dataclasses import dataclass

from pipeline.phases import counted_passes, phases
from pipeline.records import Cycle, RunDetails, Verdict
from pipeline.report.scores import score_of
from pipeline.report.words import DECISIONS, STATUSES, percent

TO_BE_PROMOTED = (
    "To be promoted",
    "The new model has won, but it is the champion only when somebody promotes it.",
)
PROMOTED_BY_HAND = ("Promoted by hand", "Somebody has made the new model the champion while the cycle ran.")


@dataclass(frozen=True)
class Badge:
    """The outcome as a shape (by `key`) and a word."""

    key: str  # a decision or a status
    word: str


def badges_of(cycle: Cycle) -> tuple[Badge, ...]:
    """Return the decision if there is one, and the status where it says more than that."""
    badges = [Badge(cycle.verdict.decision, _in_words(cycle, cycle.verdict)[0])] if cycle.verdict else []
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
    decision = _in_words(cycle, cycle.verdict)[1]
    if cycle.status not in {"failed", "interrupted"}:
        return decision
    cut = "was cut off" if cycle.status == "interrupted" else "stopped at an error"
    return f"{decision} The decision stands. Afterwards the cycle {cut}{_where(cycle.scratch)}"


def _in_words(cycle: Cycle, verdict: Verdict) -> tuple[str, str]:
    """Return the decision and its effect: what wins has to wait where a person promotes, and what does not
    win may be the champion all the same, if a person was quicker than the cycle."""
    is_champion = cycle.finetune is not None and cycle.champion_id == cycle.finetune.run.id
    if is_champion == (verdict.decision in {"first", "promote"}):
        return DECISIONS[verdict.decision]
    return PROMOTED_BY_HAND if is_champion else TO_BE_PROMOTED


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
