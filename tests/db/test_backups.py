"""Backups: real copies of a real database that others use."""

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from db import store
from db.backups import Backup, check_whole, list_backups, make_backup, superseded
from db.session import open_database, open_read_only
from pipeline.errors import DatabaseError, DiskFull
from tests.db.samples import NOON, ONLY_SQLITE, PHOTOS, begin_cycle, begin_run, epoch
from tests.small_disk import fill, small_disk

__all__ = ["small_disk"]


@pytest.fixture
def stored(path: Path) -> Path:
    """Return a database with a cycle, a run, an epoch, and a page more or so of notes."""
    with open_database(path).begin() as session:
        run_id = begin_run(session, begin_cycle(session)[0])
        store.add_epoch(session, run_id, epoch(1))
        store.add_note(session, run_id, "x" * 20_000)
    return path


def spoil(file: Path, start: int, length: int = 512) -> None:
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(b"\xff" * length)


def test_a_backup_is_the_same_database_and_private(stored: Path) -> None:
    backup = make_backup(stored, NOON)
    assert backup.path == stored.parent / "backups" / "whisker-20260301T120000Z.db"
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.path.parent.stat().st_mode) == 0o700
    with closing(sqlite3.connect(stored)) as one, closing(sqlite3.connect(backup.path)) as other:
        assert list(one.iterdump()) == list(other.iterdump())
    assert list_backups(stored) == [backup]
    assert [file.name for file in backup.path.parent.iterdir()] == [backup.path.name]


@ONLY_SQLITE
def test_a_backup_has_what_is_committed_and_not_what_another_session_is_writing(
    session: Session, path: Path
) -> None:
    store.start_cycle(session, "/photos", NOON)
    with open_read_only(make_backup(path, NOON).path)() as reader:
        assert store.cycle_ids(reader) == []


def test_a_second_backup_of_the_same_second_overwrites_nothing(stored: Path) -> None:
    first = make_backup(stored, NOON)
    before = first.path.read_bytes()
    with open_database(stored).begin() as session:
        store.start_cycle(session, PHOTOS, NOON)
    second = make_backup(stored, NOON)
    assert second.path.name == "whisker-20260301T120000Z-2.db"
    assert first.path.read_bytes() == before
    assert {backup.path for backup in list_backups(stored)} == {first.path, second.path}


def test_the_list_is_newest_first_and_passes_over_other_files(stored: Path) -> None:
    late = make_backup(stored, NOON + timedelta(days=1), older_schema="0004")
    early = make_backup(stored, NOON)
    for name in ("notes.txt", "other-20260301T120000Z.db", ".whisker-20260301T120000Z.db.77.tmp"):
        (early.path.parent / name).write_text("not a backup")
    assert list_backups(stored) == [late, early]


@pytest.mark.parametrize("page", [1, 3, 6])
def test_a_damaged_database_gets_no_backup(stored: Path, page: int) -> None:
    spoil(stored, page * 4096)
    with pytest.raises(DatabaseError, match=r"whisker\.db"):
        make_backup(stored, NOON)
    assert list_backups(stored) == []
    assert list((stored.parent / "backups").iterdir()) == []


def test_a_damaged_backup_is_found_and_left_as_it_is(stored: Path) -> None:
    backup = make_backup(stored, NOON).path
    check_whole(backup)
    spoil(backup, 3 * 4096)
    before = backup.read_bytes()
    with pytest.raises(DatabaseError, match=r"whisker-20260301T120000Z\.db is damaged \(.*\)"):
        check_whole(backup)
    assert backup.read_bytes() == before
    backup.write_bytes(before[:5000])
    with pytest.raises(DatabaseError, match="is damaged"):
        check_whole(backup)


def test_a_full_disk_leaves_no_part_of_a_backup(small_disk: Path) -> None:
    path = small_disk / "whisker.db"
    with open_database(path).begin() as session:
        store.start_cycle(session, PHOTOS * 20_000, NOON)
    fill(small_disk, leave=50_000)
    with pytest.raises(DiskFull, match=r"whisker\.db could not be backed up: .* full: free some space"):
        make_backup(path, NOON)
    assert list((small_disk / "backups").iterdir()) == []


def test_the_newest_backups_stay_and_the_last_one_before_a_migration() -> None:
    daily = [Backup(Path(f"{day}.db"), NOON + timedelta(days=day), None, 1) for day in range(6)]
    migrations = [Backup(Path(f"m{day}.db"), NOON + timedelta(days=day, hours=1), "4", 1) for day in (0, 1)]
    gone = superseded([*daily, *migrations], keep=3)
    assert [backup.path.name for backup in gone] == ["2.db", "1.db", "m0.db", "0.db"]
    assert superseded(daily, keep=6) == []
