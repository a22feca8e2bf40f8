"""Looking at a database file before it is opened: what is it, and which schema has it. Writes nothing."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from db.backups import list_backups
from db.revisions import is_newest, known_revisions
from db.sqlite_engine import BUSY_SECONDS, connect_to_file, in_words
from pipeline.errors import DatabaseError, DatabaseMissing, WhiskerError

APPLICATION_ID = 0x5748534B  # "WHSK" in the header of the file
HEADER = b"SQLite format 3\0"


def is_current(
    path: Path, versions: Path, *, thorough: bool = False, busy_seconds: float = BUSY_SECONDS
) -> bool:
    """Return whether the file has the newest schema; False if it has an older one.

    DatabaseMissing if there is no file, DatabaseTooNew if a newer program made it, DatabaseError if it is
    no database of ours. `thorough` reads the whole file for damage.
    """
    known = known_revisions(versions)
    revision = read_revision(path, known, thorough=thorough, busy_seconds=busy_seconds)
    return is_newest(revision, known, path)


def read_revision(
    path: Path, known: Sequence[str], *, thorough: bool = False, busy_seconds: float = BUSY_SECONDS
) -> str:
    """Return the schema revision of a database file; errors as for `is_current`.

    Where a writer was killed in its commit, that is taken back now, unless the schema is none of the `known`.
    """
    _check_file(path)
    try:
        return _revision(path, "ro", thorough, busy_seconds)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_READONLY_ROLLBACK":
            raise _in_words(error, path, busy_seconds) from error
    try:
        with suppress(sqlite3.DatabaseError, DatabaseError):
            if (seen := _revision(path, "ro&immutable=1", False, busy_seconds)) not in known:
                return seen
        return _revision(path, "rw", thorough, busy_seconds)
    except sqlite3.DatabaseError as error:
        raise _in_words(error, path, busy_seconds) from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise DatabaseError(f"the database {path} is a folder: {_way_out(path)}")
    if not path.exists():
        raise DatabaseMissing(f"there is no database {path}: `cli.py run-now` makes it")
    try:
        with path.open("rb") as file:
            start = file.read(len(HEADER))
    except OSError as error:
        raise DatabaseError(f"the database {path} cannot be read: {error.strerror}") from error
    if not start:
        raise DatabaseError(f"the database {path} is empty (0 bytes): {_way_out(path)}")
    if start != HEADER:
        raise DatabaseError(f"{path} is not a SQLite database: {_way_out(path)}")


def _revision(path: Path, mode: str, thorough: bool, busy_seconds: float) -> str:
    with closing(connect_to_file(path, mode, busy_seconds)) as connection:
        if thorough:
            _check_pages(path, connection)
        revisions = revisions_in(connection)
    if revisions is None:
        raise DatabaseError(f"{path} is a database of another program: {_way_out(path)}")
    if len(revisions) != 1:
        raise DatabaseError(f"the database {path} does not say which schema it has: {_way_out(path)}")
    return revisions[0]


def revisions_in(connection: sqlite3.Connection) -> list[str] | None:
    """Return the rows of Alembic's table; None if the database is not Whisker's."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if "alembic_version" not in tables or application != APPLICATION_ID:
        return None
    return [str(revision) for (revision,) in connection.execute("SELECT version_num FROM alembic_version")]


def _check_pages(path: Path, connection: sqlite3.Connection) -> None:
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise DatabaseError(f"the database {path} is damaged ({answer.splitlines()[-1]}): {_way_out(path)}")


def _in_words(error: sqlite3.DatabaseError, path: Path, busy_seconds: float) -> WhiskerError:
    if "malformed" in str(error) or "not a database" in str(error):
        return DatabaseError(f"the database {path} is damaged ({error}): {_way_out(path)}")
    return in_words(error, path, busy_seconds) or DatabaseError(
        f"the database {path} cannot be used: {error}"
    )


def _way_out(path: Path) -> str:
    newest = next(iter(list_backups(path)), None)
    if newest is None:
        return "there is no backup of it; move it away to begin anew"
    when = f"{newest.made_at:%Y-%m-%d %H:%M} UTC"
    return f"`cli.py restore` puts the newest backup, {newest.path.name} of {when}, in its place"
