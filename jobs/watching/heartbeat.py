"""The heartbeat: what the process that holds the home is doing, for `status` and for the daemon.

It is beaten by the working loop, as it passes by, and by nothing else: a thread of its own would go on
beating in a process that hangs.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.place import Place
from db.session import DATABASE_FAILS, open_again, utc_now
from jobs.home_lock import Fence, unfenced
from jobs.watching.process_identity import this_process
from pipeline.errors import DatabaseUnreachable
from pipeline.records import Activity

if TYPE_CHECKING:  # it imports numpy and Pillow, which `status` and the daemon do not need
    from pipeline.evaluate import Progress

log = logging.getLogger("whisker")

EVERY_SECONDS = 5.0
NEW_STAGE_SECONDS = 1.0  # a stage that hangs at once must be known by its name
LONGEST_SECONDS = 60.0  # between two beats while the server is away
BUSY_SECONDS = 0.2  # a beat that has to wait for longer is left out; the next one comes


class Heartbeat:
    """Passes progress and stop on, and stores now and then how far the work is."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        progress: "Progress",
        check_stop: Callable[[], None],
        *,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions, self._progress, self._check_stop = sessions, progress, check_stop
        self._now, self._monotonic = now, monotonic
        process, at = this_process(), now()
        self._activity = Activity(process.pid, process.start, process.host, "start", 0, 0, at, at, at, at)
        self._stored = self._activity
        self._away_seconds = EVERY_SECONDS  # to the next beat while the server is away
        self._next = -float("inf")  # when the next beat is due, by the monotonic clock
        self._beat()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is, and beat if it is time."""
        self._progress(stage, done, total)
        if (stage, done) != (self._activity.stage, self._activity.done):
            at = self._now()
            begun = self._activity.stage_started_at if stage == self._activity.stage else at
            self._activity = replace(
                self._activity, stage=stage, done=done, total=total, stage_started_at=begun, progress_at=at
            )
        self._beat()

    def check_stop(self) -> None:
        """Raise what the work is to end with, if anything; else beat if it is time."""
        self._check_stop()
        self._beat()

    def end(self) -> None:
        """Remove what is stored: the work has ended, well or not."""
        with contextlib.suppress(*DATABASE_FAILS), self._sessions.begin() as session:
            store.clear_activity(session)

    def _beat(self) -> None:
        moment = self._monotonic()
        early = EVERY_SECONDS - NEW_STAGE_SECONDS if self._activity.stage != self._stored.stage else 0.0
        if moment < self._next - early:
            return
        self._next = moment + EVERY_SECONDS
        beat = replace(self._activity, beat_at=self._now())
        try:
            with self._sessions.begin() as session:
                store.save_activity(session, beat)
        except DATABASE_FAILS as error:
            log.debug("a heartbeat was left out: %s", error)
            if isinstance(error, DatabaseUnreachable):  # to find that out may have taken seconds
                self._away_seconds = min(2 * self._away_seconds, LONGEST_SECONDS)
                self._next = moment + self._away_seconds
        else:
            self._stored, self._away_seconds = beat, EVERY_SECONDS


@contextmanager
def beating(
    records: Place, progress: "Progress", check_stop: Callable[[], None], fence: Fence = unfenced
) -> Iterator[Heartbeat]:
    """Beat while the block runs; for the holder of the home's lock, once the database is up to date."""
    heartbeat = Heartbeat(fence(open_again(records, BUSY_SECONDS)), progress, check_stop)
    try:
        yield heartbeat
    finally:
        heartbeat.end()
