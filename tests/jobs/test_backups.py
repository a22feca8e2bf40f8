"""When a backup is made, and that a home whose database is gone gets no empty one."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db.backups import list_backups
from jobs.backups import back_up_daily, open_home
from jobs.home import Home
from pipeline.errors import DatabaseMissing
from tests.db.samples import NOON
from tests.jobs.stored_homes import add_run, make_home

Stored = tuple[Home, sessionmaker[Session]]
DAY = timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home, sessions = make_home(tmp_path / "home")
    add_run(home, sessions)
    return home


def write_at(home: Home, seconds: float) -> None:
    os.utime(home.database, (seconds, seconds))


def names(home: Home) -> list[str]:
    return [backup.path.name for backup in list_backups(home.database)]


def test_a_backup_is_made_once_a_day_and_only_after_something_was_written(home: Home) -> None:
    assert back_up_daily(home, 7, NOON) is not None
    write_at(home, NOON.timestamp() + 60)
    assert back_up_daily(home, 7, NOON + 0.9 * DAY) is None
    assert back_up_daily(home, 7, NOON + DAY) is not None
    assert back_up_daily(home, 7, NOON + 5 * DAY) is None, "nothing was written since"
    assert len(names(home)) == 2


def test_a_home_without_a_cycle_has_nothing_to_back_up(tmp_path: Path) -> None:
    home, _sessions = make_home(tmp_path / "home")
    assert back_up_daily(home, 7, NOON) is None


def test_only_the_newest_backups_are_kept(home: Home) -> None:
    for day in range(5):
        write_at(home, (NOON + day * DAY).timestamp() - 1)
        back_up_daily(home, 3, NOON + day * DAY)
    assert names(home) == [f"whisker-2026030{day}T120000Z.db" for day in (5, 4, 3)]


def test_a_backup_of_a_clock_that_was_ahead_does_not_stop_the_next_ones(home: Home) -> None:
    back_up_daily(home, 7, NOON + 900 * DAY)
    assert back_up_daily(home, 7, NOON) is not None


def test_a_backup_that_cannot_be_made_is_a_warning(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    (home.folder / "backups").write_text("a file in the way")
    assert back_up_daily(home, 7, NOON) is None
    assert "could not be backed up" in caplog.text and "the cycle goes on" in caplog.text


def test_where_the_database_is_gone_none_is_made_in_its_place(home: Home) -> None:
    home.database.unlink()
    with pytest.raises(
        DatabaseMissing, match=r"whisker\.db is gone: put it back, or .*run-0001 belongs to it"
    ):
        open_home(home)
    assert not home.database.exists()


def test_where_the_database_is_gone_the_newest_backup_is_named(home: Home) -> None:
    back_up_daily(home, 7, NOON)
    home.database.unlink()
    with pytest.raises(DatabaseMissing, match=r"gone: `cli\.py restore` puts .*whisker-20260301T120000Z\.db"):
        open_home(home)


def test_a_new_home_gets_its_database(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create(None)
    open_home(home)
    assert home.database.exists()
