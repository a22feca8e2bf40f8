"""What somebody is told: as an object for programs, as words for people."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.records import Cycle
from pipeline.shown import shown

_TITLES = {
    "finished": "a cycle has finished",
    "promoted": "there is a new champion",
    "rejected": "the new model was rejected",
    "failed": "a cycle has failed",
    "stuck": "a cycle made no progress and was ended",
    "test": "a test, which says nothing",
}


@dataclass(frozen=True)
class Notice:
    """What happened."""

    events: tuple[str, ...]  # what it may be called, the most telling first; the first one asked for is sent
    home: Path
    at: datetime
    reason: str  # in one sentence
    cycle: int | None = None
    run: int | None = None
    accuracy: float | None = None  # of the run on the test images, 0..1
    report: Path | None = None


def notice_of(cycle: Cycle, home: Path, report: Path | None) -> Notice:
    """Return what is told of a cycle that has finished or failed."""
    run = cycle.finetune.run if cycle.finetune else None
    return Notice(
        events=_events(cycle),
        home=home,
        at=cycle.finished_at or datetime.now(UTC),
        reason=cycle.error or (cycle.verdict.reason if cycle.verdict else ""),
        cycle=cycle.id,
        run=run.id if run else None,
        accuracy=run.test_accuracy if run else None,
        report=report,
    )


def _events(cycle: Cycle) -> tuple[str, ...]:
    if cycle.status != "finished":
        return ("failed",)
    if cycle.verdict is None or cycle.finetune is None:
        return ("finished",)
    if cycle.verdict.decision == "reject":
        return ("rejected", "finished")
    is_champion = cycle.champion_id == cycle.finetune.run.id and cycle.verdict.decision != "hold"
    return ("promoted", "finished") if is_champion else ("finished",)


def title_of(event: str) -> str:
    """Return the event in words."""
    return f"Whisker: {_TITLES[event]}"


def text_of(notice: Notice) -> str:
    """Return what happened, a line for each fact."""
    facts = [shown(notice.reason)] if notice.reason else []
    if notice.cycle is not None:
        facts.append(f"cycle {notice.cycle}" + (f", run {notice.run}" if notice.run is not None else ""))
    if notice.accuracy is not None:
        facts.append(f"test accuracy {notice.accuracy:.4f}")
    facts.append(f"home {shown(str(notice.home))}")
    if notice.report is not None:
        facts.append(f"report {shown(str(notice.report))}")
    return "\n".join(facts)


def document_of(event: str, notice: Notice, identity: str) -> dict[str, Any]:
    """Return the JSON document of a webhook; fields may be added, never renamed."""
    return {
        "id": identity,
        "event": event,
        "at": notice.at.astimezone(UTC).isoformat(),
        "text": f"{title_of(event)}\n{text_of(notice)}",
        "home": shown(str(notice.home)),
        "cycle": notice.cycle,
        "run": notice.run,
        "accuracy": notice.accuracy,
        "reason": shown(notice.reason),
        "report": None if notice.report is None else shown(str(notice.report)),
    }
