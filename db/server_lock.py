"""Locks of a home on a PostgreSQL server: each is held for as long as a connection of its own lives."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import URL, Connection, text
from sqlalchemy.orm import Session

from db.engine import create_database_engine
from db.postgres_engine import lock_key

STAND_BY = "stand-by"  # a lock that all have who wait for their turn to lead
CONNECT_SECONDS = 2.0
_NAME_BYTES = 63  # of an application's name; the server cuts off the rest
_NAME = re.compile(r"whisker (?P<pid>\d+)@(?P<host>[^:]*): (?P<purpose>.*)")
_HELD = """
    FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((held.classid::bigint << 32) | held.objid::bigint) = :key
"""
_HOLDERS = text(f"SELECT application_name, backend_start {_HELD} ORDER BY backend_start")
_END_HALTED = text(
    f"""
    SELECT pg_terminate_backend(activity.pid) {_HELD}
      AND activity.state = 'idle in transaction'
      AND activity.state_change < clock_timestamp() - make_interval(secs => :seconds)
    """
)


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as its connection says; the purpose may be cut off."""

    pid: int
    host: str
    purpose: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.purpose}, process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class LockConnection:
    """A connection that may hold locks. The server ends it when it hears nothing for `silence_seconds`.

    That, and not the network, is what frees the locks of a host that is gone: a process that is halted, or a
    device between the two that still answers, would keep a connection alive for ever.
    """

    def __init__(self, url: URL, pid: int, host: str, purpose: str, silence_seconds: float) -> None:
        engine = create_database_engine(url, busy_seconds=CONNECT_SECONDS, alone=False)
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        name = f"whisker {pid}@{host}: {purpose}".encode()[:_NAME_BYTES].decode(errors="ignore")
        self._set("application_name", name)
        self._set("idle_session_timeout", f"{round(silence_seconds * 1000)}ms")

    def try_lock(self, lock: str) -> bool:
        """Take a lock if nobody holds it; return whether it is ours."""
        return bool(self._scalar(f"SELECT pg_try_advisory_lock({lock_key(lock)})"))

    def share(self, lock: str) -> None:
        """Take a lock that others take too: `holders` names all of them."""
        self._scalar(f"SELECT pg_advisory_lock_shared({lock_key(lock)})")

    def unshare(self, lock: str) -> None:
        """Give such a lock back."""
        self._scalar(f"SELECT pg_advisory_unlock_shared({lock_key(lock)})")

    def ping(self) -> None:
        """Say that we are there; an error if the connection is not."""
        self._scalar("SELECT 1")

    def holders(self, lock: str) -> list[Holder]:
        """Return who holds a lock."""
        return holders(self._connection, lock)

    def close(self) -> None:
        """Give everything back, without asking a server that may not answer."""
        self._connection.invalidate()
        self._connection.close()

    def _set(self, name: str, value: str) -> None:
        self._connection.execute(
            text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value}
        )

    def _scalar(self, statement: str) -> object:
        return self._connection.exec_driver_sql(statement).scalar()


def holders(connection: Connection, lock: str) -> list[Holder]:
    """Return who holds a lock, the oldest first; who is no Whisker goes by what it calls itself."""
    rows = connection.execute(_HOLDERS, {"key": _key(connection, lock)})
    return [_holder(name, since) for name, since in rows]


def end_halted_writer(session: Session, seconds: float) -> None:
    """End the session of a writer that has been halted in its transaction for so long.

    It keeps all others out, and its process may be on a host that is gone.
    """
    facts = {"key": _key(session.connection(), "writer"), "seconds": seconds}
    session.execute(_END_HALTED, facts)


def lock_holders(session: Session, lock: str) -> list[Holder] | None:
    """Return who holds a lock; None where no server is, and so no such lock."""
    connection = session.connection()
    return holders(connection, lock) if connection.dialect.name == "postgresql" else None


def _key(connection: Connection, lock: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT {lock_key(lock)}").scalar_one())


def _holder(name: str, since: datetime) -> Holder:
    match = _NAME.fullmatch(name)
    if match is None:
        return Holder(0, "?", name, since)
    return Holder(int(match["pid"]), match["host"], match["purpose"], since)
