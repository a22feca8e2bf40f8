"""Copies of a SQLite file that may be in use: checked before they get their name, and never overwritten."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.durable import new_name, publish_new
from db.sqlite_engine import connect_to_file, in_words
from pipeline.errors import DatabaseError, DiskFull, WhiskerError

INSTANT = "%Y%m%dT%H%M%SZ"
DUMP = ".dump"  # of a database on a server


@dataclass(frozen=True)
class Backup:
    """A copy of a database."""

    path: Path
    made_at: datetime  # as its name says
    older_schema: str | None  # the revision that a migration was about to leave; None: any other copy
    size: int  # bytes


def backup_folder(database: Path) -> Path:
    """Return where the backups of a database are kept."""
    return database.parent / "backups"


def list_backups(database: Path) -> list[Backup]:
    """Return the backups of a database, newest first."""
    suffix = DUMP if database.suffix == DUMP else ".db"
    name = re.compile(rf"{re.escape(database.stem)}-(\d{{8}}T\d{{6}}Z)(?:-schema-(\w+?))?(?:-\d+)?{suffix}")
    found = []
    for file in backup_folder(database).glob(f"*{suffix}"):
        if (match := name.fullmatch(file.name)) and file.is_file():
            made_at = datetime.strptime(match[1], INSTANT).replace(tzinfo=UTC)
            found.append(Backup(file, made_at, match[2], file.stat().st_size))
    return sorted(found, key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def superseded(backups: Sequence[Backup], keep: int) -> list[Backup]:
    """Return the backups that may go: all but the newest `keep`, and the last one before a migration."""
    ordered = sorted(backups, key=lambda backup: backup.made_at, reverse=True)
    last_migration = next((backup for backup in ordered if backup.older_schema), None)
    return [backup for backup in ordered[keep:] if backup is not last_migration]


def make_backup(database: Path, now: datetime, *, older_schema: str | None = None) -> Backup:
    """Copy the database into its folder of backups; the copy has what is committed at one moment.

    It appears after its pages were read and its rows counted, and only its owner may read it. DatabaseError
    if the database is damaged or cannot be copied, DatabaseBusy or DiskFull if that is the reason.
    """
    try:
        target = name_of_backup(database, ".db", now, older_schema)
        copy_database(database, target)
    except (sqlite3.Error, OSError) as error:
        raise failed(f"the database {database} could not be backed up", database, error) from error
    return Backup(target, now, older_schema, target.stat().st_size)


def name_of_backup(database: Path, suffix: str, now: datetime, older_schema: str | None) -> Path:
    """Return a new name in the folder of backups, which is made if it is missing; OSError if it cannot be."""
    schema = "" if older_schema is None else f"-schema-{older_schema}"
    folder = backup_folder(database)
    folder.mkdir(mode=0o700, exist_ok=True)
    return new_name(folder / f"{database.stem}-{now.astimezone(UTC):{INSTANT}}{schema}{suffix}")


@contextmanager
def appearing_whole(target: Path) -> Iterator[Path]:
    """Give a file beside `target`, for its owner alone, that gets the name when the block is done."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield unfinished
        publish_new(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file to a new one, which appears whole and checked, or not at all.

    sqlite3.Error or OSError if that cannot be done, DatabaseError if the source is damaged.
    """
    with appearing_whole(target) as unfinished:
        rows = _copy(source, unfinished)
        if _rows_of_whole(unfinished, source) != rows:
            raise DatabaseError(f"the copy of the database {source} lacks rows: check the disk")


def check_whole(copy: Path) -> None:
    """Read every page of a backup; DatabaseError if it is damaged. Nothing is written, also not beside it."""
    try:
        _rows_of_whole(copy, copy)
    except sqlite3.DatabaseError as error:
        raise DatabaseError(f"the database {copy} is damaged ({error}): use another backup") from error


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {table: _count(connection, table) for (table,) in tables}


def _copy(source: Path, target: Path) -> dict[str, int]:
    """Copy in one transaction of a reader, and return the number of rows of each table that it saw."""
    with closing(connect_to_file(source, "ro")) as reader, closing(sqlite3.connect(target)) as copy:
        reader.isolation_level = None
        reader.execute("BEGIN")
        rows = count_rows(reader)
        reader.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
        return rows


def _rows_of_whole(copy: Path, named: Path) -> dict[str, int]:
    """Check every page of a file that nobody writes; return its numbers of rows."""
    with closing(connect_to_file(copy, "ro&immutable=1")) as connection:
        answers = [str(answer) for (answer,) in connection.execute("PRAGMA integrity_check(3)")]
        if answers != ["ok"]:
            raise DatabaseError(f"the database {named} is damaged ({'; '.join(answers)})")
        return count_rows(connection)


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = '"' + table.replace('"', '""') + '"'
    return int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])


def failed(what: str, file: Path, error: Exception) -> WhiskerError:
    """Return the error to raise where `what` failed, because of `error` in reading or writing `file`."""
    known = in_words(error, file)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        known = DiskFull(f"the disk of {file.parent} is full: free some space")
    kind = DatabaseError if known is None else type(known)
    return kind(f"{what}: {known or error}")
