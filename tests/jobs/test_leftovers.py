"""What is removed after a process was killed, and what is not."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.home import Home
from jobs.leftovers import remove_leftovers
from tests.db.samples import NOON, begin_cycle, begin_run
from tests.jobs.stored_homes import add_run, make_home, write_model

Stored = tuple[Home, sessionmaker[Session]]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return make_home(tmp_path / "home")


def cut_off(stored: Stored) -> int:
    """Return the id of a run that was cut off, with a checkpoint."""
    home, sessions = stored
    with sessions.begin() as session:
        run_id = begin_run(session, begin_cycle(session)[0])
        store.mark_interrupted(session, NOON)
    home.checkpoint(run_id).mkdir(parents=True)
    (home.checkpoint(run_id) / "checkpoint.json").touch()
    return run_id


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_without_a_finished_run_goes_and_others_stay(stored: Stored) -> None:
    home, sessions = stored
    finished, unfinished = add_run(home, sessions), cut_off(stored)
    for run_id in (unfinished, 99):
        write_model(home, run_id)
    (home.models / "run-0003.tmp").mkdir()
    (home.models / "champion").symlink_to("run-0001")
    remove_leftovers(home, sessions)
    assert finished == 1
    assert names(home.models) == ["champion", "run-0001", "run-0099"], (
        "no record knows run 99, which may be newer than a database that was restored"
    )


def test_the_checkpoint_of_the_newest_cycle_stays_while_it_can_go_on(stored: Stored) -> None:
    home, sessions = stored
    older, newest = cut_off(stored), cut_off(stored)
    remove_leftovers(home, sessions)
    assert names(home.checkpoints) == [home.checkpoint(newest).name]
    assert older != newest
    with sessions.begin() as session:
        store.finish_run(session, newest, status="finished")
    remove_leftovers(home, sessions)
    assert names(home.checkpoints) == []


def test_half_written_files_go_once_nobody_writes_them(stored: Stored) -> None:
    home, sessions = stored
    checkpoint = home.checkpoint(cut_off(stored))
    (home.cache / "engines").mkdir(parents=True)
    home.weights.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        kept = home.weights / f".tiny.params.x.{alive.pid}.tmp"
        for file in (
            kept,
            home.weights / f".tiny.params.x.{dead.pid}.tmp",
            home.folder / f".reserve.{dead.pid}.tmp",
            home.folder / f".whisker.db.{dead.pid}.tmp-journal",
            checkpoint / f".checkpoint.json.{dead.pid}.tmp",
            home.cache / "engines" / f".choice.json.{dead.pid}.tmp",
        ):
            file.touch()
        (home.weights / f".download-abc.{dead.pid}.tmp").mkdir()
        remove_leftovers(home, sessions)
    assert list(home.folder.rglob(".*.tmp*")) == [kept]
    assert names(checkpoint) == ["checkpoint.json"]


def test_a_home_in_which_nothing_was_written_is_no_fault(stored: Stored) -> None:
    remove_leftovers(*stored)
