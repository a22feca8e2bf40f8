"""A disk with too little space, or none: a real one of a few megabytes, and a limit on a file's size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.restore import is_sound
from db.session import open_database, open_read_only
from jobs.config import NoticeSettings
from jobs.cycle_record import recorded
from jobs.home import Home
from jobs.repair import repair
from jobs.resume import Wanted
from jobs.space import RESERVE_BYTES, check_space, hold_back, record_ending
from pipeline.errors import DiskFull
from pipeline.publish import write_whole
from pipeline.recipes import recipe_named
from tests.conftest import REPOSITORY
from tests.db.samples import NOON, PHOTOS
from tests.jobs.stored_homes import add_run, make_home
from tests.small_disk import fill, small_disk

__all__ = ["small_disk"]

MUCH = 10**15
NOBODY = NoticeSettings()
WANTED = Wanted(PHOTOS, "a digest", recipe_named("fast"), 0, "cpu", "a hash")
Stored = tuple[Home, sessionmaker[Session]]


@pytest.fixture
def stored(small_disk: Path) -> Stored:
    """Return a home on a small disk."""
    home, sessions = make_home(small_disk / "home")
    hold_back(home)
    return home, sessions


def test_too_little_space_is_said_with_what_is_needed_and_what_is_free(tmp_path: Path) -> None:
    home = Home(tmp_path)
    check_space(home, least=0, weights_bytes=0)
    with pytest.raises(DiskFull, match=r"needs 1000\.0 TB on the disk of .* are free: .*lower min_free_gb"):
        check_space(home, least=MUCH, weights_bytes=0)
    with pytest.raises(DiskFull, match=r"`cli\.py prune`$"):
        check_space(home, least=1, weights_bytes=MUCH)


def test_a_small_disk_starts_no_cycle(stored: Stored) -> None:
    with pytest.raises(DiskFull, match=r"a cycle needs 83\.9 MB on the disk of .*home, where .* MB are free"):
        check_space(stored[0], least=1, weights_bytes=0)


def test_a_disk_that_is_full_ends_a_cycle_whose_record_says_so_in_the_space_held_back(stored: Stored) -> None:
    home, sessions = stored
    with pytest.raises(DiskFull, match="cannot be written"), recorded(home, sessions, WANTED, NOBODY):
        fill(home.folder)
        write_whole(home.models / "model", bytes(100_000))
    with open_read_only(home.database)() as session:
        cycle = store.load_cycle(session, 1)
    assert cycle.status == "interrupted", "it goes on when there is room"
    assert cycle.error is not None and "No space left on device" in cycle.error
    assert not home.reserve.exists()
    assert is_sound(home.database)


def test_what_cannot_be_recorded_at_all_is_repaired_by_the_next_start(
    stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    home, sessions = stored
    with pytest.raises(DiskFull, match="cannot be written"), recorded(home, sessions, WANTED, NOBODY):
        home.reserve.unlink()
        filler = fill(home.folder)
        write_whole(home.models / "model", bytes(100_000))
    assert "the end of cycle 1 could not be stored" in caplog.text
    assert is_sound(home.database)
    filler.unlink()
    repair(home, open_database(home.database))
    hold_back(home)
    with open_read_only(home.database)() as session:
        assert store.load_cycle(session, 1).status == "interrupted"
    assert (home.reports / "cycle-0001.html").exists() and (home.reports / "index.html").exists()
    assert home.reserve.stat().st_size == RESERVE_BYTES


def test_an_epoch_that_does_not_fit_is_one_sentence_and_nothing_half_is_stored(stored: Stored) -> None:
    home, sessions = stored
    run_id = add_run(home, sessions)
    home.reserve.unlink()
    fill(home.folder)
    with pytest.raises(DiskFull, match=r"the disk of the database .* is full"), sessions.begin() as session:
        store.add_note(session, run_id, "x" * 1_000_000)
    assert is_sound(home.database)
    with open_read_only(home.database)() as session:
        assert store.load_run(session, run_id).run.notes == ()


def test_the_space_held_back_is_made_once_and_again_after_it_was_used(stored: Stored) -> None:
    home, sessions = stored
    before = home.reserve.stat().st_ino
    hold_back(home)
    assert home.reserve.stat().st_ino == before
    fill(home.folder)
    record_ending(home, sessions, lambda session: session.add_all([_cycle(number) for number in range(9)]))
    assert not home.reserve.exists()
    (home.folder / "filler").unlink()
    hold_back(home)
    assert home.reserve.stat().st_size == RESERVE_BYTES


def test_no_space_to_hold_back_is_no_fault_and_leaves_no_part(small_disk: Path) -> None:
    home = Home(small_disk)
    fill(small_disk, leave=RESERVE_BYTES // 2)
    hold_back(home)
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler"]


def test_a_page_that_cannot_be_written_leaves_the_cycle_finished_and_the_next_start_writes_it(
    stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    from jobs.reports import write_pages

    home, sessions = stored
    add_run(home, sessions)
    home.reports.mkdir()
    filler = fill(home.folder)
    assert write_pages(home, sessions, [1]) is None
    assert "cycle-0001.html cannot be written: No space left" in caplog.text
    filler.unlink()
    repair(home, sessions)
    assert sorted(path.name for path in home.reports.iterdir()) == ["cycle-0001.html", "index.html"]
    with sessions() as session:
        assert store.load_cycle(session, 1).status == "finished"


def test_an_index_that_is_older_than_a_page_is_written_again(tmp_path: Path) -> None:
    home, sessions = make_home(tmp_path / "home")
    add_run(home, sessions)
    home.reports.mkdir()
    (home.reports / "cycle-0001.html").write_text("a page")
    (home.reports / "index.html").write_text("old")
    os.utime(home.reports / "index.html", (1, 1))
    repair(home, sessions)
    assert "<html" in (home.reports / "index.html").read_text()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from db.session import open_database
from jobs.config import NoticeSettings
from jobs.cycle_record import recorded
from jobs.home import Home
from jobs.resume import Wanted
from pipeline.recipes import recipe_named
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
home = Home(Path(sys.argv[1]))
sessions = open_database(home.database)
size = home.database.stat().st_size
from db import store
wanted = Wanted("/photos", "a digest", recipe_named("fast"), 0, "cpu", "a hash")
with recorded(home, sessions, wanted, NoticeSettings()):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, size + 8192))
    with sessions.begin() as session:
        store.start_cycle(session, "/photos" * 100_000, store.load_cycle(session, 1).started_at)
"""


def test_a_file_that_may_not_grow_ends_a_cycle_in_one_sentence_and_its_record_is_kept(tmp_path: Path) -> None:
    home, _sessions = make_home(tmp_path / "home")
    command = [sys.executable, "-c", LIMITED, str(home.folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "pipeline.errors.D" in done.stderr, done.stderr
    assert is_sound(home.database)
    with open_read_only(home.database)() as session:
        cycle = store.load_cycle(session, 1)
    assert cycle.status == "failed" and "the disk of the database" in str(cycle.error)


def _cycle(number: int) -> object:
    from db.tables import CycleRow

    return CycleRow(
        status="failed", images_folder=f"{PHOTOS}{number}" * 100, started_at=NOON, scratch_reused=False
    )
