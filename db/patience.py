"""Waiting for a server that is away, as while it starts again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from db.postgres_errors import as_ours
from pipeline.errors import DatabaseUnreachable

_FIRST_SECONDS, _LONGEST_SECONDS = 0.25, 5.0  # between two attempts, which become rarer

_hurried: ContextVar[bool] = ContextVar("whether nobody waits now", default=False)


def patient(
    sessions: sessionmaker[Session], seconds: float, nap: Callable[[float], None] = time.sleep
) -> sessionmaker[Session]:
    """Return the maker of sessions whose transactions wait for so long for a server that is away.

    A transaction under way is not saved by that; it fails. A SQLite file is there or not, so nobody waits.
    """
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)
    if engine.dialect.name != "postgresql":
        return sessions

    def connect(dialect: Any, _record: object, arguments: Any, options: Any) -> Any:
        end, pause = time.monotonic() + seconds, _FIRST_SECONDS
        while True:
            try:
                return dialect.connect(*arguments, **options)
            except dialect.loaded_dbapi.Error as error:
                is_away = isinstance(as_ours(error, "", 0.0), DatabaseUnreachable)
                if not is_away or _hurried.get() or time.monotonic() >= end:
                    raise
            nap(pause)
            pause = min(2 * pause, _LONGEST_SECONDS)

    event.listen(engine, "do_connect", connect)
    return sessions


@contextmanager
def hurried() -> Iterator[None]:
    """Let nothing in the block wait for a server."""
    token = _hurried.set(True)
    try:
        yield
    finally:
        _hurried.reset(token)
