"""Put a backup in the place of a database, and keep what was there."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.backups import INSTANT, check_whole, copy_database, failed
from db.durable import new_name, sync
from db.file_check import is_current
from db.revisions import VERSIONS
from db.sqlite_engine import connect_to_file
from pipeline.errors import DatabaseBusy, DatabaseError, DatabaseTooNew

COMPANIONS = ("-journal", "-wal", "-shm")  # SQLite would apply them to whatever database has the name
NUMBERED = ("cycle", "run")


@dataclass(frozen=True)
class Numbers:
    """The ids of a database's cycles and runs."""

    cycle: frozenset[int]
    run: frozenset[int]


def is_sound(database: Path, versions: Path = VERSIONS) -> bool:
    """Return whether a database is whole and ours, also of a newer Whisker; DatabaseBusy if it is in use."""
    try:
        is_current(database, versions, thorough=True)
        with closing(connect_to_file(database, "ro")) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(answer == "ok")
    except DatabaseTooNew:
        return True
    except DatabaseBusy:
        raise
    except (DatabaseError, sqlite3.DatabaseError):
        return False


def read_numbers(database: Path) -> Numbers:
    """Return the ids of cycles and runs; none if there is no database, or it is too damaged to say."""
    try:
        with closing(connect_to_file(database, "ro")) as connection:
            return Numbers(*(frozenset(_ids(connection, table)) for table in NUMBERED))
    except sqlite3.Error:
        return Numbers(frozenset(), frozenset())


def check_backup(backup: Path, versions: Path = VERSIONS) -> None:
    """Check that a file is a whole database of ours, of this schema or an older one.

    DatabaseMissing, DatabaseTooNew or DatabaseError if it is not. Nothing is written.
    """
    is_current(backup, versions)
    check_whole(backup)


def put_in_place(backup: Path, database: Path, taken: Mapping[str, int], now: datetime) -> Path | None:
    """Make a copy of a backup the database; return under which name the former one is kept, if there was one.

    `taken` is the highest number of a cycle and of a run that something outside the database has, such as a
    folder with a model: new numbers begin behind it. The caller holds the lock of the home. DatabaseError or
    DiskFull if it cannot be done; then the former database is in its place.
    """
    database = database.resolve()
    unfinished = database.with_name(f".{database.name}.{os.getpid()}.tmp")
    try:
        copy_database(backup, unfinished)
        _go_on_behind(unfinished, taken)
        kept = _set_aside(database, now)
        unfinished.replace(database)
        sync(database.parent)
    except (sqlite3.Error, OSError) as error:
        raise failed(f"{backup} could not be put in the place of {database}", backup, error) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return kept


def _go_on_behind(database: Path, taken: Mapping[str, int]) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, number in taken.items():
            (seen,) = connection.execute(
                "SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)
            ).fetchone()
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, max(seen or 0, number)))


def _set_aside(database: Path, now: datetime) -> Path | None:
    """Give what is in the database's place another name, and its journal with it."""
    if not database.exists():
        return None
    kept = new_name(database.with_name(f"{database.stem}-replaced-{now.astimezone(UTC):{INSTANT}}.db"))
    try:
        os.link(database, kept)  # so that at no moment there is no database
    except OSError:  # a folder, or a file system without hard links
        database.rename(kept)
    for companion in COMPANIONS:
        with suppress(FileNotFoundError):
            database.with_name(database.name + companion).rename(kept.with_name(kept.name + companion))
    return kept


def _ids(connection: sqlite3.Connection, table: str) -> list[int]:
    return [number for (number,) in connection.execute(f"SELECT id FROM {table}")]
