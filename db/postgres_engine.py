"""Engines for PostgreSQL: how a connection must be set up so that it promises what one to SQLite does."""

import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from db.driver_errors import raise_as_ours
from db.place import in_words
from db.postgres_errors import as_ours
from pipeline.errors import BadSettings

NOTICED_SECONDS = 30  # after so long, client and server give up each other where nothing is heard any more
_LEAST_CONNECT_SECONDS, _MOST_CONNECT_SECONDS = 5, 10
_IDLE_SECONDS = 600  # who is halted in a transaction must not keep out all others for ever
_FIRST_ASKED, _ASKED_EVERY = 10, 5  # seconds without a word from the other side
_TIMES_ASKED = (NOTICED_SECONDS - _FIRST_ASKED) // _ASKED_EVERY

_Isolation = Literal["READ COMMITTED", "REPEATABLE READ"]


def lock_key(purpose: str) -> str:
    """Return the SQL of the key of an advisory lock, which is another one for each schema."""
    return f"hashtextextended('whisker {purpose} in ' || current_schema(), 0)"


def create_writing_engine(url: URL, busy_seconds: float, *, alone: bool) -> Engine:
    """Return an engine for writers, who come one after another if they are `alone`.

    A statement sees what is committed when it begins. With one view for the whole transaction, that would be
    from before the wait for the lock.
    """
    engine = _create(url, busy_seconds, "READ COMMITTED", read_only=False)
    if alone:
        lock = f"SELECT pg_advisory_xact_lock({lock_key('writer')})"

        def start(connection: Connection) -> None:
            connection.exec_driver_sql(lock)

        event.listen(engine, "begin", start)
    return engine


def create_read_only_engine(url: URL, busy_seconds: float) -> Engine:
    """Return an engine that cannot write, and whose transactions see one state of the database."""
    return _create(url, busy_seconds, "REPEATABLE READ", read_only=True)


def _create(url: URL, busy_seconds: float, isolation: _Isolation, *, read_only: bool) -> Engine:
    if find_spec("psycopg") is None:
        raise BadSettings("database_url needs the package psycopg; run `pip install 'whisker[postgres]'`")

    def prepare(connection: Any, _record: object) -> None:
        connection.read_only = read_only

    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level=isolation,
        connect_args=_connect_args(url, busy_seconds),
        use_native_hstore=False,  # it would ask the server for a type that we do not use
    )
    event.listen(engine, "connect", prepare)
    raise_as_ours(engine, lambda error: as_ours(error, in_words(url), busy_seconds))
    return engine


def _connect_args(url: URL, busy_seconds: float) -> dict[str, Any]:
    milliseconds = 1000
    on_server = {
        "timezone": "UTC",
        "cursor_tuple_fraction": 1,  # all rows of an answer are read, also where they come one after another
        "lock_timeout": math.ceil(busy_seconds * milliseconds),
        "idle_in_transaction_session_timeout": _IDLE_SECONDS * milliseconds,
        "tcp_keepalives_idle": _FIRST_ASKED,
        "tcp_keepalives_interval": _ASKED_EVERY,
        "tcp_keepalives_count": _TIMES_ASKED,
        "tcp_user_timeout": NOTICED_SECONDS * milliseconds,
    }
    ours = {
        "application_name": "whisker",
        "connect_timeout": min(max(math.ceil(busy_seconds), _LEAST_CONNECT_SECONDS), _MOST_CONNECT_SECONDS),
        "keepalives_idle": _FIRST_ASKED,
        "keepalives_interval": _ASKED_EVERY,
        "keepalives_count": _TIMES_ASKED,
        "tcp_user_timeout": NOTICED_SECONDS * milliseconds,
    }
    chosen = {name: value for name, value in ours.items() if name not in url.query}
    return chosen | {"options": _options(on_server, url.query)}


def _options(settings: Mapping[str, object], given: Mapping[str, Any]) -> str:
    """Return our settings of the session, and after them those of the URL, which win."""
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return f"{ours} {given.get('options', '')}".rstrip()
