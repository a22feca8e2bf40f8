"""Backups of the database: one a day while something happens, and the newest of them kept."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db.backups import Backup, superseded
from db.copies import Copies, copies_of
from db.session import open_database, utc_now
from jobs.home import Home
from jobs.home_mark import require_ours
from jobs.traces import cycle_pages, model_folders
from pipeline.errors import DatabaseMissing, WhiskerError
from pipeline.failpoint import failpoint

log = logging.getLogger("whisker")

EVERY = timedelta(days=1)


def open_home(home: Home, *, now: Callable[[], datetime] = utc_now) -> sessionmaker[Session]:
    """Open the database of a home to write; the caller holds the lock of the home.

    A home that has models, pages or backups is not new: where its database is gone, none is made.

    Raises:
        DatabaseMissing: the database was there once.
        DatabaseError: it cannot be used, or is another home's.
    """
    if (_traces(home) or backups_of(home).made()) and _is_gone(home):
        copies = backups_of(home)
        way = (
            f"`cli.py restore` puts the newest backup, {copies.made()[0].path.name}, in its place"
            if copies.made()
            else f"put it back, or begin anew with another --home; {_traces(home)[0]} belongs to it"
        )
        raise DatabaseMissing(f"the database {copies.name} is gone: {way}")
    sessions = open_database(home.records, now=now)
    if home.is_on_server:
        require_ours(home, sessions)
    return sessions


def backups_of(home: Home) -> Copies:
    """Return how the records of a home are copied, and which copies there are."""
    return copies_of(home.records, home.folder)


def _is_gone(home: Home) -> bool:
    if isinstance(home.records, Path):
        return not home.records.exists() and not home.records.is_symlink()
    return not backups_of(home).is_sound()


def back_up_daily(home: Home, keep: int, now: datetime) -> Backup | None:
    """Make a backup where the newest is older than a day and the database has changed since; keep `keep`.

    A backup that cannot be made is a warning and stops no cycle. Where the programs for it are missing it is
    not even that, but `doctor` says so.
    """
    copies = backups_of(home)
    if not _is_due(copies, now) or copies.why_not():
        return None
    try:
        made = copies.make(now)
        failpoint("after_backup")
        for backup in superseded(copies.made(), keep):
            backup.path.unlink(missing_ok=True)
    except (WhiskerError, OSError) as error:
        log.warning("%s; the cycle goes on, and the next one tries again", error)
        return None
    return made


def _is_due(copies: Copies, now: datetime) -> bool:
    """A backup from the future, made before the clock was set back, counts for nothing."""
    newest = next((backup.made_at for backup in copies.made() if backup.made_at <= now), None)
    if newest is None:
        return bool(copies.numbers().cycle)  # one without a cycle has nothing to lose
    return now - newest >= EVERY and copies.changed_since(newest)


def _traces(home: Home) -> list[Path]:
    return [*model_folders(home).values(), *cycle_pages(home).values()]
