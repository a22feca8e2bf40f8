"""The locks of a home: kernel locks of its files on one host, locks on the server where several share it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy.orm import Session, sessionmaker

from jobs.home import Home
from jobs.lock import hold
from jobs.pace import USUAL_PACE, Pace

Lock = Literal["cycle", "daemon", "search"]
Fence = Callable[[sessionmaker[Session]], sessionmaker[Session]]


def unfenced(sessions: sessionmaker[Session]) -> sessionmaker[Session]:
    """Return the sessions as they are, for who holds no lock."""
    return sessions


class HomeLock(Protocol):
    """A lock that this process holds."""

    def require(self) -> None:
        """Check that it is still ours; HomeLost or TakenOver if it is not."""

    def renew(self) -> None:
        """Take note that another database was put in the place of the one that knew of us."""

    def fence(self, sessions: sessionmaker[Session]) -> sessionmaker[Session]:
        """Return the maker of sessions that can write only as long as it is ours."""


@contextmanager
def hold_home(
    home: Home,
    lock: Lock,
    purpose: str,
    *,
    pace: Pace = USUAL_PACE,
    patience: float = 0.0,
    nap: Callable[[float], None] = time.sleep,
    stand_by: Callable[[str], None] | None = None,
) -> Iterator[HomeLock]:
    """Hold a lock of a home while the block runs; others are told for what `purpose`.

    Args:
        home: whose it is.
        lock: "cycle" is that of who writes records, "daemon" and "search" those of who does such work.
        purpose: in words.
        pace: how soon somebody else may take it when we are gone.
        patience: on a server, for so many seconds somebody else may hold it.
        nap: sleeps meanwhile, and raises what is to end the waiting.
        stand_by: on a server, is told again and again who holds it; then we wait for as long as it takes.

    Raises:
        Locked: another process holds it.
        DatabaseError: the server cannot be reached, or used.
    """
    if isinstance(home.records, Path):
        with hold(lock_file(home, lock), purpose) as held:
            yield held
        return
    from jobs.keeper import Keeper

    keeper = Keeper(home.records, lock, purpose, pace, owner_file(home, lock))
    keeper.take(patience=patience, nap=nap, stand_by=stand_by)
    try:
        yield keeper
    finally:
        keeper.release()


def lock_file(home: Home, lock: Lock) -> Path:
    """Return the file that is locked where no server is."""
    return {"cycle": home.lock_file, "daemon": home.daemon_lock_file, "search": home.tune_lock_file}[lock]


def owner_file(home: Home, lock: Lock) -> Path:
    """Return the file that says who has a lock."""
    return lock_file(home, lock).with_suffix(".owner")
