"""What is going on in a home."""

import json
import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_database
from db.sqlite_engine import connect_to_file
from jobs.display_status import show_status, status_document
from jobs.home import Home
from jobs.status import Status, status_of
from jobs.watching.attempts import Trouble
from jobs.watching.daemon_state import DaemonState, StateFile
from jobs.watching.process_identity import this_process
from pipeline.records import Activity, LookRecord
from tests.db.samples import begin_cycle, begin_run, evaluation, snapshot

NOW = datetime.now(UTC)
ME = this_process()
HALF_AN_HOUR = timedelta(minutes=30)
DAEMON = DaemonState(
    ME.pid, ME.start, ME.host, NOW - timedelta(days=2), "every 10m", NOW + timedelta(minutes=7), "look",
    paused=False, trouble=None,
)  # fmt: skip
TROUBLE = Trouble(5, True, "the disk is full", NOW - timedelta(minutes=3), "abc")
ACTIVITY = Activity(
    ME.pid, ME.start, ME.host, "epoch 3/20", 640, 2000, NOW - timedelta(hours=1),
    NOW - timedelta(seconds=42), NOW - timedelta(seconds=2), NOW - timedelta(seconds=2),
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def sessions(home: Home) -> sessionmaker[Session]:
    return open_database(home.database)


def now_of(home: Home) -> Status:
    return status_of(home, HALF_AN_HOUR, NOW)


def beat(home: Home, state: DaemonState, seconds_ago: float = 1) -> None:
    StateFile(home.daemon_state_file).beat(state)
    moment = NOW.timestamp() - seconds_ago
    os.utime(home.daemon_state_file, (moment, moment))


def shown(status: Status) -> str:
    console = Console(width=300, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    with closing(console.file):
        show_status(console, status)
    return console.export_text()


def test_of_a_home_in_which_nothing_has_been_done_it_says_so_and_leaves_it_empty(home: Home) -> None:
    status = now_of(home)
    assert (status.daemon, status.work, status.champion, status.last_look) == (None, None, None, None)
    assert status.free_bytes is not None
    assert "run-now" in status.unknown[0]
    assert status.wrong == ("no daemon has run in this home yet: start one by `cli.py daemon`",)
    assert list(home.folder.iterdir()) == []
    assert "none has run in this home yet" in shown(status)


LIVES: dict[str, tuple[DaemonState, float, str, str]] = {
    "alive": (DAEMON, 1, "alive", f"alive, process {ME.pid} on {ME.host} since"),
    "it hangs": (DAEMON, 90, "silent", "does not answer"),
    "it is dead": (replace(DAEMON, process_start="an earlier boot"), 1, "dead", "does not run"),
    "alive in a container": (replace(DAEMON, host="elsewhere"), 1, "alive", "on elsewhere since"),
    "dead in a container": (replace(DAEMON, host="elsewhere"), 90, "silent", "does not answer"),
}


@pytest.mark.parametrize("case", LIVES)
def test_whether_the_daemon_is_alive(home: Home, case: str) -> None:
    state, seconds_ago, life, words = LIVES[case]
    beat(home, state, seconds_ago)
    status = now_of(home)
    assert status.daemon is not None
    assert status.daemon.life == life
    assert words in shown(status)
    assert bool(status.wrong) == (life != "alive")


def test_a_daemon_that_trains_nothing_by_itself_is_alive_and_yet_not_well(home: Home) -> None:
    beat(home, replace(DAEMON, attempt="look for new data", paused=True, trouble=TROUBLE))
    status = now_of(home)
    assert status.wrong == (
        "the daemon trains nothing by itself, since something failed that somebody must mend",
    )
    assert "looks every 10m; next look at" in shown(status)
    assert "failed looks in a row: 5" in shown(status)
    assert "failure    3 minutes ago: the disk is full" in shown(status)


def test_a_daemon_that_will_try_again_is_well(home: Home) -> None:
    beat(home, replace(DAEMON, attempt="wait", trouble=replace(TROUBLE, failures=2)))
    assert now_of(home).wrong == ()


def store_activity(sessions: sessionmaker[Session], activity: Activity) -> None:
    with sessions.begin() as session:
        store.save_activity(session, activity)


def test_how_far_the_work_is_and_how_long_its_stage_takes(
    home: Home, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        cycle_id, _ = begin_cycle(session)
        begin_run(session, cycle_id)
    store_activity(sessions, ACTIVITY)
    status = now_of(home)
    assert status.work is not None
    assert (status.work.life, status.work.per_second, status.work.seconds_left) == ("alive", 16.0, 85.0)
    assert (
        f"epoch 3/20, 640 of 2,000, 16 a second, 85 seconds left (process {ME.pid} on {ME.host}, cycle 1,"
        " run 1; last sign of life 2 seconds ago)"
    ) in shown(status)
    document = status_document(home, status)
    assert document["work"]["stage"] == "epoch 3/20"
    assert (document["work"]["cycle"], document["work"]["run"]) == (1, 1)


def test_a_stage_that_counts_nothing_has_no_estimate(home: Home, sessions: sessionmaker[Session]) -> None:
    store_activity(sessions, replace(ACTIVITY, stage="report", done=0, total=0))
    assert "at work    report (process" in shown(now_of(home))


def test_what_a_dead_process_has_left_is_no_work(home: Home, sessions: sessionmaker[Session]) -> None:
    store_activity(sessions, replace(ACTIVITY, process_start="an earlier boot"))
    assert now_of(home).work is None
    assert "at work    nobody" in shown(now_of(home))


def test_a_process_that_gives_no_sign_of_life_is_wrong(home: Home, sessions: sessionmaker[Session]) -> None:
    beat(home, DAEMON)
    store_activity(sessions, replace(ACTIVITY, beat_at=NOW - timedelta(minutes=31)))
    assert now_of(home).wrong == ("the process at work has given no sign of life for 30 minutes",)


def test_the_last_look_the_last_failure_and_the_champion(home: Home, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        cycle_id, snapshot_id = begin_cycle(session)
        run_id = begin_run(session, cycle_id)
        store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot()))
        store.finish_run(session, run_id, status="finished", seconds=1.0)
        store.promote(session, run_id, NOW - timedelta(days=3), "first")
        then, later = NOW - timedelta(minutes=20), NOW - timedelta(minutes=10)
        store.add_look(session, LookRecord(then, then, "failed", "no folder\x1b[2J", None))
        store.add_look(session, LookRecord(later, later, "nothing-new", "nothing new", None))
    status = now_of(home)
    text = shown(status)
    assert "last look  10 minutes ago, nothing-new: nothing new" in text
    assert "failure    20 minutes ago: no folder\\x1b[2J" in text
    assert f"champion   run {run_id} since" in text
    assert "test accuracy" in text
    document = json.loads(json.dumps(status_document(home, status)))
    assert document["champion"]["run"] == run_id
    assert document["last_look"]["outcome"] == "nothing-new"
    assert document["last_failure"]["reason"] == "no folder\x1b[2J"


def test_with_a_locked_database_it_says_what_it_can(home: Home, sessions: sessionmaker[Session]) -> None:
    beat(home, replace(DAEMON, trouble=TROUBLE))
    with closing(connect_to_file(home.database, "rw")) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN EXCLUSIVE")
        status = now_of(home)
    assert status.daemon is not None
    assert status.last_failure is not None
    assert status.last_failure.reason == "the disk is full"
    assert "was busy for 1 seconds" in status.unknown[0]


@pytest.mark.parametrize("content", [b"x" * 9000, b""])
def test_a_damaged_database_is_wrong(home: Home, sessions: sessionmaker[Session], content: bytes) -> None:
    beat(home, DAEMON)
    home.database.write_bytes(content)
    (sentence,) = now_of(home).wrong
    assert str(home.database) in sentence
