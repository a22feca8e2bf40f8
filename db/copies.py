"""Backups of the records of a home, whichever kind of database has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import URL

from db import server_backups
from db.backups import Backup, list_backups, make_backup
from db.file_check import is_current
from db.instants import newest_instant
from db.place import Place, in_words
from db.restore import Numbers, check_backup, is_sound, put_in_place, read_numbers
from db.revisions import VERSIONS
from db.session import open_read_only


@dataclass(frozen=True)
class Copies:
    """How records are copied, and a copy put back. Errors are those of `db.backups` and `db.restore`."""

    name: str  # of the database, without secrets
    why_not: Callable[[], str | None]  # why none can be made from here, a sentence; None if one can
    made: Callable[[], list[Backup]]  # those that there are, newest first
    make: Callable[[datetime], Backup]  # one of now, whole and checked
    changed_since: Callable[[datetime], bool]  # whether the records have
    is_sound: Callable[[], bool]  # whether the database is there and whole
    numbers: Callable[[], Numbers]  # of all cycles and runs in the database,
    check: Callable[[Path], Numbers]  # and in a backup, which must be whole and ours
    # Puts a backup in the place of the records, with new numbers behind those that are taken, now; says where
    # those of before are kept, if there were any.
    put_back: Callable[[Path, Mapping[str, int], datetime], Path | None]


def copies_of(records: Place, folder: Path) -> Copies:
    """Return how the records of a home are copied, whose folder has the backups of those on a server."""
    return _of_file(records) if isinstance(records, Path) else _of_server(records, folder / "whisker.dump")


def changed_at(database: Path) -> float:
    """Return when the database was last written, in seconds since 1970; a write-ahead log may be newer."""
    log_file = database.with_name(f"{database.name}-wal")
    return max(file.stat().st_mtime for file in (database, log_file) if file.exists())


def _of_file(file: Path) -> Copies:
    def make(now: datetime) -> Backup:
        is_current(file, VERSIONS)
        return make_backup(file, now)

    def check(backup: Path) -> Numbers:
        check_backup(backup)
        return read_numbers(backup)

    return Copies(
        name=str(file),
        why_not=lambda: None,
        made=partial(list_backups, file),
        make=make,
        changed_since=lambda instant: changed_at(file) > instant.timestamp(),
        is_sound=partial(is_sound, file),
        numbers=partial(read_numbers, file),
        check=check,
        put_back=lambda backup, taken, now: put_in_place(backup, file, taken, now),
    )


def _of_server(url: URL, file: Path) -> Copies:
    make = partial(server_backups.make_server_backup, url, file)

    def changed_since(instant: datetime) -> bool:
        with open_read_only(url)() as session:
            newest = newest_instant(session)
        return newest is not None and newest > instant

    def check(backup: Path) -> Numbers:
        ids = server_backups.check_server_backup(backup).ids
        return Numbers(frozenset(ids["cycle"]), frozenset(ids["run"]))

    def put_back(backup: Path, taken: Mapping[str, int], now: datetime) -> Path | None:
        kept = make(now).path if server_backups.is_there(url) else None
        server_backups.put_on_server(backup, url, taken)
        return kept

    return Copies(
        name=in_words(url),
        why_not=partial(server_backups.why_not, url),
        made=partial(list_backups, file),
        make=make,
        changed_since=changed_since,
        is_sound=partial(server_backups.is_there, url),
        numbers=partial(server_backups.numbers_on_server, url),
        check=check,
        put_back=put_back,
    )
