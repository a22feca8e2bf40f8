"""What the database knows of a worker, and how a worker asks the database, which may be away."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import DATABASE_FAILS
from jobs.watching.process_identity import this_process
from pipeline.records import JobKind

log = logging.getLogger("whisker")

BEAT_SECONDS = 4.0  # a worker counts as alive several times as long
READY_AFTER = timedelta(minutes=2)  # at the latest; importing MXNet takes long on a host that is busy


class Unreachable(Exception):
    """The database could not be asked."""


@contextmanager
def reached(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Give a transaction; Unreachable if it fails."""
    try:
        with sessions.begin() as session:
            yield session
    except DATABASE_FAILS as error:
        raise Unreachable(sentence_of(error)) from error


def sentence_of(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class WorkerRecord:
    """The record of this process, as long as it works."""

    def __init__(self, sessions: sessionmaker[Session], worker_id: int) -> None:
        self.chunks = 0  # done
        self.said: str | None = None  # why it takes no part in some job
        self.sessions, self._id = sessions, worker_id
        self._last_beat = -float("inf")

    def is_due(self, seconds: float = BEAT_SECONDS) -> bool:
        """Return whether the last beat is so long ago, and begin to count anew."""
        now = time.monotonic()
        if now < self._last_beat + min(seconds, BEAT_SECONDS):
            return False
        self._last_beat = now
        return True

    def save(self, session: Session, doing: JobKind | None, more_chunks: int = 0) -> None:
        """Say that this process is alive, and what it does."""
        store.beat_worker(session, self._id, self.chunks + more_chunks, doing, self.said)

    def get_ready(self) -> None:
        """Say that nothing will be heard of this process for a while."""
        with reached(self.sessions) as session:
            store.beat_worker(session, self._id, self.chunks, None, self.said, READY_AFTER)
        self._last_beat = -float("inf")


@contextmanager
def registered(sessions: sessionmaker[Session]) -> Iterator[WorkerRecord]:
    """Let cycles know that this process works, while the block runs."""
    process = this_process()
    with sessions.begin() as session:
        worker_id = store.add_worker(session, process.pid, process.start, process.host)
    try:
        yield WorkerRecord(sessions, worker_id)
    finally:
        with suppress(Unreachable), reached(sessions) as session:
            store.remove_worker(session, worker_id)
