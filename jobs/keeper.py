"""Keep a lock on a server: say that we are there, and take it again when the connection drops."""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.orm import Session, sessionmaker

from db.engine import create_database_engine
from db.server_lock import CONNECT_SECONDS, STAND_BY, LockConnection, end_halted_writer
from db.session import DATABASE_FAILS
from db.terms import Term, begin_term, end_term, has_terms, latest_term, only_in_term
from jobs.pace import Pace
from jobs.watching.process_identity import ProcessIdentity, this_process
from pipeline.errors import Locked, SaveFailed, TakenOver
from pipeline.publish import write_whole

log = logging.getLogger("whisker")


class Keeper:
    """One lock on a server, from the moment that it is ours until it is given back or somebody has taken it.

    It is lost only where another process has taken it. A server that is away is waited for: nobody can take
    a lock there either, and whatever is written must pass by it.
    """

    def __init__(self, url: URL, lock: str, purpose: str, pace: Pace, owner_file: Path) -> None:
        self._url, self._lock, self._purpose, self._pace = url, lock, purpose, pace
        self._owner_file = owner_file  # tells also those who reach the home and not the server
        self._me = this_process()
        self._connection: LockConnection | None = None
        self._number: int | None = None  # of our term; None while the database has no tables
        self._lost: str | None = None
        self._heard = 0.0  # when the server last knew that the lock is ours, by the monotonic clock
        self._beginning, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keeps the {lock} lock", daemon=True)

    def take(
        self, *, patience: float, nap: Callable[[float], None], stand_by: Callable[[str], None] | None = None
    ) -> None:
        """Take the lock, as soon as nobody has it who may come back.

        Args:
            patience: for so many seconds somebody else may hold it before that is an error.
            nap: sleeps so many seconds; raises what is to end the waiting.
            stand_by: is told why we wait, as often as we look; then neither a holder nor what may pass is an
                error, such as a server that is away.

        Raises:
            Locked: somebody else holds it.
            DatabaseError: the server cannot be reached, or used.
        """
        try:
            self._wait_for_it(patience, nap, stand_by)
        except BaseException:
            self._drop()
            raise
        self._heard = time.monotonic()
        self._thread.start()

    def require(self) -> None:
        """Check that nobody has taken the lock over.

        Raises:
            TakenOver: somebody has.
        """
        if self._lost is None and time.monotonic() - self._heard > self._pace.silence_seconds:
            self._ask_the_home()
        if self._lost is not None:
            raise TakenOver(self._lost)

    def renew(self) -> None:
        """Begin another term, since the database was put back, and maybe counts less."""
        with self._beginning:
            self._number = None

    def fence(self, sessions: sessionmaker[Session]) -> sessionmaker[Session]:
        """Return the maker of sessions whose transactions fail once somebody has taken the lock over."""
        self._begin_term()
        assert self._number is not None, "the database was opened to write"
        return only_in_term(sessions, self._lock, self._number)

    def release(self) -> None:
        """Give the lock back, and say that this was meant."""
        self._end.set()
        self._thread.join(CONNECT_SECONDS)
        if self._number is not None and self._lost is None:
            if _number_in(self._owner_file) == self._number:
                self._owner_file.unlink(missing_ok=True)
            with suppress(*DATABASE_FAILS), self._sessions(alone=True).begin() as session:
                end_term(session, self._lock, self._number)
        if not self._thread.is_alive():  # else a dead network holds it, and with it the connection
            self._drop()

    def _wait_for_it(
        self, patience: float, nap: Callable[[float], None], stand_by: Callable[[str], None] | None
    ) -> None:
        end, free_since, waits = time.monotonic() + patience, None, stand_by is not None
        while True:
            try:
                connection = self._connected(waits=waits)
                holder = next(iter(connection.holders(self._lock)), None)
                free_since = None if holder else free_since or time.monotonic()
                if free_since and self._may_be_taken(free_since) and connection.try_lock(self._lock):
                    if waits:
                        connection.unshare(STAND_BY)
                    self._begin_term()
                    return
                why = f"the home is held by {holder}" if holder else "who had it last may come back"
            except DATABASE_FAILS as error:
                self._drop()
                if not waits or not getattr(error, "passes", False):
                    raise
                free_since = None  # whoever had it may come back from now on
                why = str(error)
            if stand_by is not None:
                stand_by(why)
            elif not free_since and time.monotonic() >= end:
                home = self._owner_file.parent
                raise Locked(f"{home} is in use by {holder}; wait until it has ended, or stop it")
            nap(self._pace.poll_seconds)

    def _begin_term(self) -> None:
        """Begin our term: from now on nothing can be written by who held the lock before.

        A new database has no tables for that yet. Then this is done once it has, before anything is written.
        """
        with self._beginning:
            if self._number is not None or not self._has_terms():
                return
            me, least = self._me, _number_in(self._owner_file) + 1  # a database put back may count less
            term = Term(least, me.pid, me.start, me.host, self._purpose, datetime.now(UTC))
            with self._sessions().begin() as session:
                end_halted_writer(session, self._pace.silence_seconds)
            with self._sessions(alone=True).begin() as session:
                self._number = begin_term(session, self._lock, term)
        owner = {"pid": me.pid, "host": me.host, "purpose": self._purpose, "number": self._number}
        with suppress(SaveFailed):  # a full disk; what there is to say to others is not worth an end
            write_whole(self._owner_file, json.dumps(owner).encode())

    def _may_be_taken(self, free_since: float) -> bool:
        """Return whether the latest holder does not come back, as far as we can know, or has had its time."""
        if time.monotonic() - free_since >= self._pace.grace_seconds:
            return True
        with self._sessions()() as session:
            latest = latest_term(session, self._lock) if has_terms(session) else None
        if latest is None or latest.has_ended:
            return True
        return ProcessIdentity(latest.pid, latest.process_start, latest.host).is_alive() is False

    def _keep(self) -> None:
        away = False
        while not self._end.wait(self._pace.ping_seconds):
            try:
                if self._is_ours():
                    self._heard = time.monotonic()
                    if away:
                        log.info("the server of the database is back, and the lock is ours as before")
                    away = False
            except TakenOver as error:
                self._lost = str(error)
                self._drop()
                return
            except Exception as error:  # whatever it is: without this thread the lock would be lost
                self._drop()
                if not away:
                    log.warning("the connection that holds the lock is lost, and is tried again: %s", error)
                away = True

    def _is_ours(self) -> bool:
        """Ask the server, and take the lock again where its connection was cut.

        Raises:
            TakenOver: somebody else has it, or had it meanwhile.
        """
        if self._connection is not None:
            self._connection.ping()
            self._begin_term()
            return True
        connection = self._connected()
        if connection.try_lock(self._lock):
            self._require_latest()
            return True
        others = [str(one) for one in connection.holders(self._lock) if self._is_another(one.pid, one.host)]
        self._drop()
        if others:
            raise _taken_over(others[0])
        return False  # the server has not noticed yet that our own former connection is gone

    def _require_latest(self) -> None:
        if self._number is None:
            return
        with self._sessions()() as session:
            latest = latest_term(session, self._lock)
        if latest is None or latest.number != self._number:
            raise _taken_over(
                f"{latest.purpose}, process {latest.pid} on {latest.host}" if latest else "another database"
            )

    def _ask_the_home(self) -> None:
        """Learn from the home, where the server does not answer, whether somebody has a newer term."""
        if self._number is not None and _number_in(self._owner_file) > self._number:
            self._lost = str(_taken_over("a process that reaches the server"))

    def _is_another(self, pid: int, host: str) -> bool:
        return (pid, host) != (self._me.pid, self._me.host)

    def _has_terms(self) -> bool:
        with self._sessions()() as session:
            return has_terms(session)

    def _connected(self, *, waits: bool = False) -> LockConnection:
        if self._connection is None:
            me = self._me
            silence = self._pace.silence_seconds
            self._connection = LockConnection(self._url, me.pid, me.host, self._purpose, silence)
            if waits:
                self._connection.share(STAND_BY)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*DATABASE_FAILS):
                connection.close()

    def _sessions(self, *, alone: bool = False) -> sessionmaker[Session]:
        wait = self._pace.take_over_seconds if alone else CONNECT_SECONDS
        return sessionmaker(create_database_engine(self._url, busy_seconds=wait, alone=alone))


def _taken_over(by: str) -> TakenOver:
    return TakenOver(f"this home was taken over by {by}; so this process ends and writes nothing")


def _number_in(owner_file: Path) -> int:
    try:
        return int(json.loads(owner_file.read_text())["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
