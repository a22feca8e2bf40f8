"""Backups of the database: one a day while something happens, and the newest of them kept."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db.backups import Backup, list_backups, make_backup, superseded
from db.place import in_words
from db.restore import read_numbers
from db.session import open_database, open_read_only, utc_now
from jobs.home import Home
from jobs.traces import cycle_pages, model_folders
from pipeline.errors import DatabaseError, DatabaseMissing, WhiskerError
from pipeline.failpoint import failpoint

log = logging.getLogger("whisker")

EVERY = timedelta(days=1)


def open_home(home: Home, *, now: Callable[[], datetime] = utc_now) -> sessionmaker[Session]:
    """Open the database of a home to write; the caller holds the lock of the home.

    A home that has models, pages or backups is not new: where its database is gone, none is made.

    Raises:
        DatabaseMissing: the database was there once.
        DatabaseError: it cannot be used.
    """
    if home.is_on_server:
        _require_records(home)
        return open_database(home.records, now=now)
    database = home.database
    if not database.exists() and not database.is_symlink() and (_traces(home) or list_backups(database)):
        way = (
            f"`cli.py restore` puts the newest backup, {list_backups(database)[0].path.name}, in its place"
            if list_backups(database)
            else f"put it back, or begin anew with another --home; {_traces(home)[0]} belongs to it"
        )
        raise DatabaseMissing(f"the database {database} is gone: {way}")
    return open_database(database, now=now)


def _require_records(home: Home) -> None:
    """Check that a database on a server without tables is that of a home without traces of any."""
    try:
        open_read_only(home.records)
    except DatabaseMissing as error:
        if traces := _traces(home):
            raise DatabaseMissing(
                f"the database {in_words(home.records)} is empty, and {traces[0]} belongs to one that was"
                " not: correct database_url, put a backup in its place, or begin anew with another --home"
            ) from error
    except DatabaseError:
        return  # an older schema, which is brought up to date, or what opening it says


def back_up_daily(home: Home, keep: int, now: datetime) -> Backup | None:
    """Make a backup where the newest is older than a day and the database has changed since; keep `keep`.

    A backup that cannot be made is a warning and stops no cycle.
    """
    if home.is_on_server or not _is_due(home.database, list_backups(home.database), now):
        return None
    try:
        made = make_backup(home.database, now)
        failpoint("after_backup")
        for backup in superseded(list_backups(home.database), keep):
            backup.path.unlink(missing_ok=True)
    except (WhiskerError, OSError) as error:
        log.warning("%s; the cycle goes on, and the next one tries again", error)
        return None
    return made


def _is_due(database: Path, backups: list[Backup], now: datetime) -> bool:
    """A backup from the future, made before the clock was set back, counts for nothing."""
    newest = next((backup.made_at for backup in backups if backup.made_at <= now), None)
    if newest is None:
        return bool(read_numbers(database).cycle)  # one without a cycle has nothing to lose
    return now - newest >= EVERY and changed_at(database) > newest.timestamp()


def changed_at(database: Path) -> float:
    """Return when the database was last written, in seconds since 1970; a write-ahead log may be newer."""
    log_file = database.with_name(f"{database.name}-wal")
    return max(file.stat().st_mtime for file in (database, log_file) if file.exists())


def _traces(home: Home) -> list[Path]:
    return [*model_folders(home).values(), *cycle_pages(home).values()]
