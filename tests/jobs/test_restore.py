"""The way back: real databases, damaged in every way that happens to files."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import cli
from db import store
from db.backups import make_backup
from db.session import open_database, open_read_only
from jobs.home import Home
from jobs.lock import hold
from jobs.restore import restore
from pipeline.errors import DatabaseError, NothingToRestore
from pipeline.shown import cycle_page_name
from tests.conftest import REPOSITORY
from tests.db.samples import NOON
from tests.jobs.stored_homes import add_run, make_home

LATER = NOON + timedelta(days=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with three cycles and their pages, of which the backup knows the first two."""
    home, sessions = make_home(tmp_path_factory.mktemp("template") / "home")
    home.reports.mkdir()
    for number in (1, 2, 3):
        if number == 3:
            make_backup(home.database, NOON)
        add_run(home, sessions)
        with sessions.begin() as session:
            store.promote(session, number, NOON, "it was better")
        (home.reports / cycle_page_name(number)).write_text("a page")
    return home.folder


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Home:
    return Home(shutil.copytree(template, tmp_path / "home"))


def backup_of(home: Home) -> Path:
    return home.folder / "backups" / "whisker-20260301T120000Z.db"


def spoil_header(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"\0" * 100)


def spoil_pages(database: Path) -> None:
    with database.open("r+b") as file:
        for page in (1, 4, 9):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)


def cut_in_half(database: Path) -> None:
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])


def empty(database: Path) -> None:
    database.write_bytes(b"")


def put_a_folder(database: Path) -> None:
    database.unlink()
    database.mkdir()
    (database / "file").write_text("somebody's")


@pytest.mark.parametrize("spoil", [spoil_header, spoil_pages, cut_in_half, empty, put_a_folder, Path.unlink])
def test_a_damaged_database_is_refused_with_the_way_back_and_kept_beside_the_restored_one(
    home: Home, spoil: Callable[[Path], None]
) -> None:
    spoil(home.database)
    before = home.database.read_bytes() if home.database.is_file() else None
    with pytest.raises(DatabaseError):
        open_read_only(home.database)().close()
        open_database(home.database) if home.database.exists() else pytest.fail("it is gone")
    done = restore(home, None, LATER)
    assert (done.backup, done.lost_runs, done.unknown_models) == (backup_of(home), (3,), (home.model(3),))
    if before is not None:
        assert done.kept == home.folder / "whisker-replaced-20260302T120000Z.db"
        assert done.kept.read_bytes() == before
    with open_read_only(home.database)() as session:
        assert [run.id for run in store.list_runs(session)] == [2, 1]
        assert store.champion_id(session) == 2
    assert home.champion.resolve() == home.model(2)


def test_new_runs_get_numbers_behind_those_that_were_lost(home: Home) -> None:
    spoil_header(home.database)
    restore(home, None, LATER)
    assert add_run(home, open_database(home.database)) == 4


def test_a_sound_database_is_replaced_only_by_a_backup_that_was_named(home: Home) -> None:
    before = home.database.read_bytes()
    with pytest.raises(NothingToRestore, match=r"is sound; `cli\.py restore --list` shows its backups"):
        restore(home, None, LATER)
    assert home.database.read_bytes() == before
    done = restore(home, Path(backup_of(home).name), LATER)
    assert (done.lost_cycles, done.lost_runs) == ((3,), (3,))
    assert done.kept is not None and done.kept.read_bytes() == before


def test_a_damaged_backup_is_passed_over_for_an_older_one(home: Home) -> None:
    newer = make_backup(home.database, LATER).path
    spoil_pages(newer)
    spoil_header(home.database)
    done = restore(home, None, LATER)
    assert done.backup == backup_of(home)
    assert len(done.passed_over) == 1 and newer.name in done.passed_over[0]


def test_without_a_whole_backup_nothing_is_changed(home: Home) -> None:
    spoil_pages(backup_of(home))
    spoil_header(home.database)
    before = home.database.read_bytes()
    with pytest.raises(NothingToRestore, match=r"no backup .* that is whole \(.*20260301T120000Z.*damaged"):
        restore(home, None, LATER)
    shutil.rmtree(home.folder / "backups")
    with pytest.raises(NothingToRestore, match="there is no backup of the database"):
        restore(home, None, LATER)
    assert home.database.read_bytes() == before
    assert not list(home.folder.glob("whisker-*"))


def test_a_file_that_is_no_backup_is_refused(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE run (id)")
    with pytest.raises(DatabaseError, match="database of another program"):
        restore(home, other, LATER)


def test_the_journal_of_the_damaged_database_is_not_applied_to_the_restored_one(home: Home) -> None:
    spoil_header(home.database)
    journal = home.folder / "whisker.db-journal"
    journal.write_bytes(b"of a writer that was killed")
    done = restore(home, None, LATER)
    assert not journal.exists() and done.kept is not None
    assert done.kept.with_name(f"{done.kept.name}-journal").read_bytes() == b"of a writer that was killed"


def test_a_cycle_at_work_is_left_alone(home: Home) -> None:
    spoil_header(home.database)
    script = (
        "import sys; from pathlib import Path; from jobs.home import Home; from jobs.restore import restore;"
        "from datetime import UTC, datetime; restore(Home(Path(sys.argv[1])), None, datetime.now(UTC))"
    )
    command = [sys.executable, "-c", script, str(home.folder)]
    with hold(home.lock_file, "a cycle"):
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "Locked" in done.stderr and "a cycle, process" in done.stderr


def test_a_running_run_of_the_backup_is_closed_as_interrupted(tmp_path: Path) -> None:
    from tests.db.samples import begin_cycle, begin_run

    home, sessions = make_home(tmp_path / "home")
    with sessions.begin() as session:
        begin_run(session, begin_cycle(session)[0])
    make_backup(home.database, NOON)
    spoil_header(home.database)
    restore(home, None, LATER)
    with open_read_only(home.database)() as session:
        assert store.load_run(session, 1).run.status == "interrupted"
    assert (home.reports / "cycle-0001.html").exists()


def whisker(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.folder), *arguments])


def test_the_commands_say_what_was_done(home: Home) -> None:
    assert "is a whole backup" in whisker(home, "backup").stdout
    listed = json.loads(whisker(home, "--json", "restore", "--list").stdout)["backups"]
    assert len(listed) == 2 and listed[1]["made_at"] == "2026-03-01T12:00:00+00:00"
    cut_in_half(home.database)
    refused = whisker(home, "runs")
    assert refused.exit_code == 1
    assert "`cli.py restore` puts the newest backup" in refused.stderr
    done = whisker(home, "restore", backup_of(home).name)
    assert done.exit_code == 0, done.stderr
    assert "it lacks cycle 3 and run 3\n" in done.stdout
    assert "run-0003 has a model and no record" in done.stdout
    assert json.loads(whisker(home, "--json", "runs").stdout)["runs"][0]["id"] == 2
