"""What the end of a look means: by its exit status, its signal, and the document that it has printed."""

import json
import signal
from dataclasses import dataclass, field
from typing import Any, Literal

from jobs.supervise import ChildEnd
from pipeline.errors import Locked, NeedsDecision, UsageError
from pipeline.shown import shown

KEPT = 10  # lines
STOPPED = "the daemon ends"  # why a child was made to end, where that is no failure
Kind = Literal["done", "held back", "busy", "stopped", "failed"]


@dataclass(frozen=True)
class Result:
    """How a look ended."""

    kind: Kind
    sentence: str = ""
    passes: bool = False  # of a failure: whether it may be gone with nobody doing anything
    died: bool = False  # of a failure: the process could not close its records
    stuck: bool = False  # of a failure: it was ended, since it made no progress
    last_lines: tuple[str, ...] = field(default=(), compare=False)  # of what a process that died has said


def result_of(end: ChildEnd) -> Result:
    """Return what the end of a child means."""
    if end.why == STOPPED:
        return Result("stopped")
    if end.why is not None or end.status is None or end.status < 0:
        died, stuck = end.status is None or end.status < 0, end.why is not None
        said = _last_lines(end)
        return Result("failed", end.why or _death(end), passes=True, died=died, stuck=stuck, last_lines=said)
    document = _document(end.output)
    if end.status == 0:
        return Result("held back" if document.get("held_back") else "done")
    if end.status == Locked.exit_status:
        return Result("busy", str(document.get("error", "another process is at work in this home")))
    return Result("failed", _failure(end, document), passes=_passes(end.status, document))


def _death(end: ChildEnd) -> str:
    """Return the sentence about a process that ended without a word of its own."""
    if end.status is None:
        return (
            "the process of the cycle could not be ended, even by SIGKILL: the kernel holds it, maybe in a"
            " driver or on a disk that does not answer; look at both, and restart the machine if need be"
        )
    number = -end.status
    if number == signal.SIGKILL:
        return (
            "the process of the cycle was killed (SIGKILL), maybe since memory ran out: `dmesg` tells; give"
            " the machine more memory, or take smaller batches or a smaller network"
        )
    return f"the process of the cycle died of signal {number} ({_name(number)}){_last_words(end)}"


def _name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name}: {signal.strsignal(number)}"
    except ValueError:
        return "unknown"


def _failure(end: ChildEnd, document: dict[str, Any]) -> str:
    sentence = document.get("error")
    return str(sentence) if sentence else f"the look failed with exit status {end.status}{_last_words(end)}"


def _passes(status: int, document: dict[str, Any]) -> bool:
    """Return whether a failure may pass; what nobody foresaw may, and so does a signal from outside."""
    if status in (UsageError.exit_status, NeedsDecision.exit_status):
        return False
    return bool(document.get("passes", True)) or status >= 128


def _last_words(end: ChildEnd) -> str:
    lines = _last_lines(end)
    return f"; its last words were: {lines[-1]}" if lines else ""


def _last_lines(end: ChildEnd) -> tuple[str, ...]:
    """Return what was written last to standard error, for a log that has one event a line."""
    lines = [line.strip() for line in end.errors.splitlines() if line.strip()]
    return tuple(shown(line)[:300] for line in lines[-KEPT:])


def _document(output: str) -> dict[str, Any]:
    """Return the JSON document that a command has printed; an empty one if it did not come so far."""
    try:
        document = json.loads(output)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
