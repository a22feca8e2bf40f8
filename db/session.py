"""Opening the database. The caller owns the session, and makes one transaction per fact."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from db.engine import BUSY_SECONDS, create_database_engine, create_read_only_engine
from db.file_check import VERSIONS, is_current
from db.migrate import create_database, run_migrations, upgrade_database
from db.place import Place, place_of
from pipeline.errors import DatabaseError, WhiskerError

__all__ = ["create_database_engine", "open_again", "open_current", "open_database", "open_read_only"]

# What a database can fail by, in reading or writing, for who goes on without it.
DATABASE_FAILS = (WhiskerError, SQLAlchemyError, sqlite3.Error)


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def open_database(
    where: str | Place, *, versions: Path = VERSIONS, now: Callable[[], datetime] = utc_now
) -> sessionmaker[Session]:
    """Return a maker of sessions that may write; `where` is a path or a SQLAlchemy URL.

    Creates the SQLite file if there is none. Migrates an older schema, after a backup; the caller holds the
    lock of the home. DatabaseTooNew or DatabaseError if the file cannot be used: then nothing is written.
    """
    place = place_of(where)
    if isinstance(place, URL):
        return sessionmaker(_migrated(create_database_engine(place), versions))
    engine = create_database_engine(URL.create("sqlite", database=str(place)))
    if not place.parent.is_dir():
        raise DatabaseError(
            f"the folder of the database {place} does not exist: make it, or run `cli.py init`"
        )
    if not (place.exists() or place.is_symlink()):
        create_database(place, versions)
    if not is_current(place, versions, thorough=True):
        upgrade_database(place, versions, now())
    return sessionmaker(engine)


def open_read_only(
    where: str | Place, *, versions: Path = VERSIONS, busy_seconds: float = BUSY_SECONDS
) -> sessionmaker[Session]:
    """Return a maker of sessions that only read; never creates, migrates or changes the database.

    `busy_seconds` is how long each question waits for a writer.

    DatabaseMissing if there is none, DatabaseError if its schema is older, DatabaseTooNew if it is newer.
    """
    place = place_of(where)
    if isinstance(place, URL):
        return sessionmaker(create_database_engine(place))
    _require_current(place, versions, busy_seconds)
    return sessionmaker(create_read_only_engine(place, busy_seconds))


def open_current(
    where: str | Place, *, versions: Path = VERSIONS, busy_seconds: float = BUSY_SECONDS
) -> sessionmaker[Session]:
    """Return a maker of sessions that may write; never creates or migrates the database.

    So the caller needs no lock of the home. Errors as for `open_read_only`.
    """
    place = place_of(where)
    if isinstance(place, URL):
        return sessionmaker(create_database_engine(place))
    _require_current(place, versions, busy_seconds)
    return open_again(place, busy_seconds)


def open_again(where: str | Place, busy_seconds: float) -> sessionmaker[Session]:
    """Return a maker of sessions that may write, for records that this process has opened and looked at."""
    place = place_of(where)
    url = place if isinstance(place, URL) else URL.create("sqlite", database=str(place))
    return sessionmaker(create_database_engine(url, busy_seconds=busy_seconds))


def _require_current(place: Path, versions: Path, busy_seconds: float) -> None:
    if not is_current(place, versions, busy_seconds=busy_seconds):
        raise DatabaseError(
            f"the database {place} was made by an older Whisker: `cli.py run-now --if-changed`"
            " brings it up to date"
        )


def _migrated(engine: Engine, versions: Path) -> Engine:
    with engine.begin() as connection:
        run_migrations(connection, versions)
    return engine
