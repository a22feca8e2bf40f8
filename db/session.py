"""Opening the database. The caller owns the session, and makes one transaction per fact."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from db import file_check, postgres_schema
from db.engine import create_database_engine, create_read_only_engine
from db.migrate import create_database, upgrade_database
from db.place import Place, in_words, place_of
from db.revisions import VERSIONS, too_old
from db.sqlite_engine import BUSY_SECONDS
from pipeline.errors import DatabaseError, DatabaseMissing, WhiskerError

__all__ = ["create_database_engine", "open_again", "open_current", "open_database", "open_read_only"]

# What a database can fail by, in reading or writing, for who goes on without it.
DATABASE_FAILS = (WhiskerError, SQLAlchemyError, sqlite3.Error)


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def open_database(
    where: str | Place, *, versions: Path = VERSIONS, now: Callable[[], datetime] = utc_now
) -> sessionmaker[Session]:
    """Return a maker of sessions that may write; `where` is the path of a SQLite file or a URL.

    Creates the SQLite file, or the tables on a PostgreSQL server, if there are none. Migrates an older schema
    (that of a file after a backup); the caller holds the lock of the home. DatabaseTooNew or DatabaseError if
    the database cannot be used: then nothing is written.
    """
    place = place_of(where)
    if isinstance(place, URL):
        return _open_on_server(place, versions)
    engine = create_database_engine(place)
    if not place.parent.is_dir():
        raise DatabaseError(
            f"the folder of the database {place} does not exist: make it, or run `cli.py init`"
        )
    if not (place.exists() or place.is_symlink()):
        create_database(place, versions)
    if not file_check.is_current(place, versions, thorough=True):
        upgrade_database(place, versions, now())
    return sessionmaker(engine)


def open_read_only(
    where: str | Place, *, versions: Path = VERSIONS, busy_seconds: float = BUSY_SECONDS
) -> sessionmaker[Session]:
    """Return a maker of sessions that only read; never creates, migrates or changes the database.

    `busy_seconds` is how long each question waits for a writer.

    DatabaseMissing if there is none, DatabaseError if its schema is older, DatabaseTooNew if it is newer.
    """
    return sessionmaker(_reading_engine(place_of(where), versions, busy_seconds))


def open_current(
    where: str | Place, *, versions: Path = VERSIONS, busy_seconds: float = BUSY_SECONDS
) -> sessionmaker[Session]:
    """Return a maker of sessions that may write; never creates or migrates the database.

    So the caller needs no lock of the home. Errors as for `open_read_only`.
    """
    place = place_of(where)
    _reading_engine(place, versions, busy_seconds)
    return sessionmaker(create_database_engine(place, busy_seconds=busy_seconds))


def open_again(where: str | Place, busy_seconds: float) -> sessionmaker[Session]:
    """Return a maker of sessions that may write, for a database that this process has opened and looked at.

    They are for facts that stand by themselves, like signs of life: on a PostgreSQL server their transactions
    neither wait for other writers nor keep them out.
    """
    return sessionmaker(create_database_engine(where, busy_seconds=busy_seconds, alone=False))


def _open_on_server(url: URL, versions: Path) -> sessionmaker[Session]:
    try:
        current = postgres_schema.is_current(create_read_only_engine(url, BUSY_SECONDS), versions)
    except DatabaseMissing:
        current = False
    engine = create_database_engine(url)
    if not current:
        postgres_schema.make_current(engine, versions)
    return sessionmaker(engine)


def _reading_engine(place: Place, versions: Path, busy_seconds: float) -> Engine:
    """Return an engine for a reader, after a look at the schema."""
    engine = create_read_only_engine(place, busy_seconds)
    if isinstance(place, URL):
        current = postgres_schema.is_current(engine, versions)
    else:
        current = file_check.is_current(place, versions, busy_seconds=busy_seconds)
    if not current:
        raise too_old(in_words(place))
    return engine
