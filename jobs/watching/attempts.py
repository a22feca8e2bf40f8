"""What the daemon does at its next look: a function of what has failed and of the time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from jobs.watching.child_result import Result

Attempt = Literal["look", "look for new data", "wait"]

LONGEST_DELAY = timedelta(hours=6)
PAUSE = timedelta(days=1)
EARLY = 0.9  # share of a delay after which a look that the schedule brings is not put off to the next one


@dataclass(frozen=True)
class Trouble:
    """Looks that failed, one after the other."""

    failures: int
    passes: bool  # whether it may be gone with nobody doing anything
    reason: str  # of the newest failure
    tried_at: datetime  # when the newest of these looks began
    situation: str  # digest of settings and program at that time


@dataclass(frozen=True)
class Limits:
    """How often and for how long it is tried again."""

    every: timedelta  # between two looks, where nothing fails
    pause_after: int  # failures in a row


def next_attempt(trouble: Trouble | None, limits: Limits, situation: str, now: datetime) -> Attempt:
    """Return what the look that is due does.

    What may pass is tried again after a delay that doubles. What somebody must mend, and what has failed too
    often, gets no training on the same images again: the daemon goes on looking, and trains on others. All is
    forgotten when settings or program have changed; what may pass, also after a day. A clock that was set
    back makes no delay longer.
    """
    if trouble is None or situation != trouble.situation:
        return "look"
    if not trouble.passes:
        return "look for new data"
    waited = now - trouble.tried_at
    if is_paused(trouble, limits):
        return "look for new data" if timedelta() <= waited < PAUSE else "look"
    return "wait" if timedelta() <= waited < EARLY * delay(trouble.failures, limits) else "look"


def is_paused(trouble: Trouble | None, limits: Limits) -> bool:
    """Return whether it has failed so often that no training starts by itself."""
    return trouble is not None and trouble.passes and trouble.failures >= limits.pause_after


def delay(failures: int, limits: Limits) -> timedelta:
    """Return how long after so many failures in a row it is tried again."""
    seconds = limits.every.total_seconds() * 2.0 ** min(failures - 1, 30)
    return timedelta(seconds=min(seconds, LONGEST_DELAY.total_seconds()))


def after(
    trouble: Trouble | None, attempt: Attempt, result: Result, began: datetime, situation: str
) -> Trouble | None:
    """Return what is the trouble after a look; None: there is none (any more).

    A look for new data that fails too is no further failure in a row: it would not have tried it again.
    """
    if result.kind == "done":
        return None
    if result.kind != "failed":
        return trouble
    if trouble is not None and attempt == "look for new data":
        return replace(trouble, reason=result.sentence)
    before = trouble.failures if trouble and trouble.situation == situation else 0
    return Trouble(before + 1, result.passes, result.sentence, began, situation)
