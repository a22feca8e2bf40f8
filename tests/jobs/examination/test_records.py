"""What the doctor reads from records and folders: each fault with its mend."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.backups import make_backup
from jobs.examination.check import Check
from jobs.examination.records import examine_records, weights_check
from jobs.home import Home
from pipeline.backbones import BACKBONES
from pipeline.manifest import ONNX
from tests.db.samples import NOON, PHOTOS, file_state
from tests.jobs.stored_homes import add_run, make_home, write_model

Stored = tuple[Home, sessionmaker[Session]]
DAY = timedelta(days=1)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a home with a champion, a backup, and nothing wrong."""
    home, sessions = make_home(tmp_path / "home")
    run_id = add_run(home, sessions)
    with sessions.begin() as session:
        store.promote(session, run_id, NOON, "it was better")
    make_backup(home.database, NOON)
    write_at(home, NOON)
    return home, sessions


def write_at(home: Home, instant: datetime) -> None:
    os.utime(home.database, (instant.timestamp(), instant.timestamp()))


def check(home: Home, name: str, now: datetime = NOON) -> Check:
    return next(check for check in examine_records(home, now) if check.name == name)


def test_a_home_in_order_has_nothing_to_mend(stored: Stored) -> None:
    home, _ = stored
    assert [check.status for check in examine_records(home, NOON)] == ["ok"] * 4


def test_a_home_without_a_database_or_with_a_damaged_one_is_left_to_the_other_checks(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert examine_records(home, NOON) == []
    home.database.write_bytes(b"no database")
    assert examine_records(home, NOON) == []


def test_a_backup_is_late_only_where_much_was_written_since(stored: Stored) -> None:
    home, _ = stored
    assert check(home, "backups", NOON + 9 * DAY).status == "ok"
    write_at(home, NOON + 8 * DAY)
    late = check(home, "backups", NOON + 9 * DAY)
    assert late.status == "warning" and "`cli.py backup`" in late.message


def test_no_backup_at_all_is_a_warning_once_there_is_something_to_lose(tmp_path: Path) -> None:
    home, sessions = make_home(tmp_path / "home")
    assert check(home, "backups").status == "ok"
    add_run(home, sessions)
    assert check(home, "backups").status == "warning"


def test_a_champion_whose_model_was_changed_is_a_problem_with_its_way_out(stored: Stored) -> None:
    home, _ = stored
    (home.model(1) / ONNX).write_bytes(b"other bytes")
    found = check(home, "champion")
    assert found.status == "problem"
    assert "has changed since it was written" in found.message and "cli.py rollback" in found.message


def test_records_from_the_future_are_a_warning(stored: Stored) -> None:
    home, _ = stored
    found = check(home, "instants", NOON - DAY)
    assert found.status == "warning" and "2026-03-01 12:0" in found.message


def test_images_that_were_changed_in_the_future_are_a_warning(stored: Stored) -> None:
    home, sessions = stored
    late = int((NOON + DAY).timestamp() * 1e9)
    with sessions.begin() as session:
        store.save_files(session, PHOTOS, [file_state(b"cat/a.jpg", mtime_ns=late)])
    assert "in the future, by their own account: 1;" in check(home, "instants").message


def test_what_no_record_knows_of_is_a_warning_that_names_the_command(stored: Stored) -> None:
    home, _ = stored
    write_model(home, 9)
    found = check(home, "leftovers", datetime.now(UTC) + 2 * DAY)
    assert found.status == "warning"
    assert str(home.model(9)) in found.message and "`cli.py prune`" in found.message


def test_damaged_weights_in_the_home_are_a_problem(tmp_path: Path) -> None:
    assert weights_check(tmp_path).status == "ok"
    file = tmp_path / BACKBONES["resnet18_v2"].weights.file_name
    file.write_bytes(b"half")
    found = weights_check(tmp_path)
    assert found.status == "problem" and str(file) in found.message
