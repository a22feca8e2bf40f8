"""Notice that a child has gone silent, by the heartbeat that it stores."""

import time
from collections.abc import Callable

from db import store
from db.place import Place
from db.session import DATABASE_FAILS, open_read_only
from jobs.durations import in_words
from jobs.watching.process_identity import identity_of
from jobs.watching.process_tree import cpu_ticks
from pipeline.records import Activity

LOOK_SECONDS = 5.0
BUSY_SECONDS = 0.5


class Silence:
    """For how long a sign of life has stayed the same; by the monotonic clock, which nobody sets."""

    def __init__(self) -> None:
        self._sign: object = None
        self._since: float | None = None

    def seconds(self, sign: object, moment: float) -> float:
        """Return how long this very sign has been there; `moment` is seconds of the monotonic clock."""
        if self._since is None or sign != self._sign:
            self._sign, self._since = sign, moment
        return moment - self._since


class Watch:
    """Watches one child: it must beat, or at least use the processor where its beats cannot be read.

    A database that is locked or missing says nothing about the child, nor does a row of another process.
    """

    def __init__(
        self,
        records: Place,
        stuck_seconds: Callable[[], float],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records, self._stuck_seconds, self._monotonic = records, stuck_seconds, monotonic
        self._silence = Silence()
        self._next_look = -float("inf")

    def why_stuck(self, pid: int) -> str | None:
        """Return the sentence about a child that has been silent for too long; None for any other."""
        moment = self._monotonic()
        if moment < self._next_look:
            return None
        self._next_look = moment + min(LOOK_SECONDS, self._stuck_seconds() / 4)
        activity = activity_of(self._records, pid)
        sign = _sign(activity, pid)
        silent = self._silence.seconds(moment if sign is None else sign, moment)
        if silent < self._stuck_seconds():
            return None
        stage = f'in the stage "{activity.stage}"' if activity else "and no heartbeat that could be read"
        return f"no progress for {in_words(silent)} {stage}, so it was ended"


def _sign(activity: Activity | None, pid: int) -> object:
    """Return what changes as long as the process works; None where this system tells nothing."""
    return (activity.stage, activity.done, activity.beat_at) if activity else cpu_ticks(pid)


def activity_of(records: Place, pid: int) -> Activity | None:
    """Return what a process says that it is doing; None if it says nothing, or it cannot be read."""
    try:
        with open_read_only(records, busy_seconds=BUSY_SECONDS)() as session:
            activity = store.load_activity(session)
    except DATABASE_FAILS:
        return None
    if activity is None or activity.pid != pid or activity.process_start != identity_of(pid).start:
        return None
    return activity
