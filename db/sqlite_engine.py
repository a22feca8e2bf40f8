"""Engines for SQLite: how a connection must be set up so that nothing is lost."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from db.driver_errors import raise_as_ours
from pipeline.errors import DatabaseBusy, DatabaseError, DiskFull, WhiskerError

BUSY_SECONDS = 30.0  # how long a transaction waits for another process's


def journal_mode() -> str:
    """Return WAL if this SQLite can be trusted with it, else DELETE.

    Until 3.51.3, a write-ahead log that was reset at the wrong moment could corrupt the database.
    """
    return "WAL" if sqlite3.sqlite_version_info >= (3, 51, 3) else "DELETE"


def create_writing_engine(
    url: URL, *, foreign_keys: bool = True, busy_seconds: float = BUSY_SECONDS
) -> Engine:
    """Return an engine whose transactions take the write lock of the SQLite file when they begin.

    With the deferred transactions of the driver, two processes that read and then write lose updates without
    an error.
    """
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": busy_seconds})
    pragmas = (
        f"journal_mode={journal_mode()}",
        "synchronous=FULL",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
    )
    return _with_hooks(engine, url.database or "", "BEGIN IMMEDIATE", pragmas, busy_seconds)


def create_read_only_engine(path: Path, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Return an engine that cannot write to the SQLite file, nor create it."""

    def connect() -> sqlite3.Connection:
        return connect_to_file(path, "ro", busy_seconds)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    return _with_hooks(engine, str(path), "BEGIN", (), busy_seconds)


def connect_to_file(path: Path, mode: str, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open an existing SQLite file by the driver alone.

    `mode` is "ro", "rw", or "ro&immutable=1" for a file that nobody writes, whose journal is not heeded.
    """
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=busy_seconds)


def _with_hooks(
    engine: Engine, name: str, begin: str, pragmas: tuple[str, ...], busy_seconds: float
) -> Engine:
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver emits no BEGIN of its own; `start` does
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    raise_as_ours(engine, lambda error: in_words(error, name, busy_seconds))
    return engine


def in_words(error: Any, name: str | Path, busy_seconds: float = BUSY_SECONDS) -> WhiskerError | None:
    """Return the error to raise for one of the driver that a user can mend; None if it is our own bug."""
    text = str(error)
    for phrase, (kind, sentence) in _SENTENCES.items():
        if isinstance(error, sqlite3.DatabaseError) and phrase in text:
            return kind(sentence.format(name=name, busy=busy_seconds))
    return None


_SENTENCES: dict[str, tuple[type[WhiskerError], str]] = {
    "database is locked": (
        DatabaseBusy,
        "the database {name} was busy for {busy:g} seconds: another program holds it;"
        " close that program or try again",
    ),
    "disk is full": (
        DiskFull,
        "the disk of the database {name} is full: free some space and run the command again",
    ),
    "readonly database": (
        DatabaseError,
        "the database {name} cannot be written: make the file and its folder writable",
    ),
    "unable to open": (
        DatabaseError,
        "the database {name} cannot be opened: check that its folder exists and may be written",
    ),
    "disk I/O error": (
        DatabaseError,
        "the disk of the database {name} reports an error: check the disk and the free space",
    ),
    "malformed": (
        DatabaseError,
        "the database {name} is damaged: `cli.py restore` puts the newest backup in its place",
    ),
    "not a database": (
        DatabaseError,
        "{name} is not a database: `cli.py restore` puts the newest backup in its place",
    ),
}
