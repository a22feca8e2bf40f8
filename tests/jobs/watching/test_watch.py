"""A child that has gone silent is noticed, and one that works is left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db import store
from db.session import open_again
from db.sqlite_engine import connect_to_file
from jobs.supervise import run_supervised
from jobs.watching.heartbeat import Heartbeat
from jobs.watching.watch import LOOK_SECONDS, Silence, Watch
from pipeline.evaluate import silent
from tests.conftest import REPOSITORY

BEATS = """
import sys, time
from pathlib import Path
import jobs.watching.heartbeat
jobs.watching.heartbeat.EVERY_SECONDS = 0.05
with jobs.watching.heartbeat.beating(Path(sys.argv[1]), lambda *step: None, lambda: None) as heartbeat:
    for done in range(100_000):
        heartbeat.progress("epoch 1/3", done, 100_000)
        time.sleep(0.01)
"""


class Time:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def watch(database: Path, time: Time) -> Watch:
    return Watch(database, lambda: 1800.0, monotonic=time)


def beat(database: Path, stage: str, done: int) -> None:
    """Beat as this process."""
    Heartbeat(open_again(database, 1.0), silent, lambda: None).progress(stage, done, 10)


def test_a_sign_that_changes_begins_the_silence_anew() -> None:
    silence = Silence()
    signs = [("a", 0), ("a", 10), ("b", 15), ("b", 40), ("a", 41)]
    assert [silence.seconds(sign, moment) for sign, moment in signs] == [0, 10, 0, 25, 0]


def test_a_child_without_progress_is_stuck_after_the_time_that_is_set(
    watch: Watch, database: Path, time: Time
) -> None:
    beat(database, "start", 0)
    assert watch.why_stuck(os.getpid()) is None
    time.seconds += 1799
    assert watch.why_stuck(os.getpid()) is None
    time.seconds += LOOK_SECONDS
    assert watch.why_stuck(os.getpid()) == 'no progress for 30 minutes in the stage "start", so it was ended'


def test_one_that_beats_is_never_stuck(watch: Watch, database: Path, time: Time) -> None:
    for _ in range(5):
        beat(database, "start", 0)
        assert watch.why_stuck(os.getpid()) is None
        time.seconds += 1790


def test_the_database_is_read_every_few_seconds_only(watch: Watch, database: Path, time: Time) -> None:
    watch.why_stuck(os.getpid())
    database.unlink()
    time.seconds += LOOK_SECONDS - 1
    assert watch.why_stuck(os.getpid()) is None


@pytest.fixture
def locked(database: Path) -> Iterator[None]:
    with closing(connect_to_file(database, "rw")) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.rollback()


def busy() -> None:
    """Use the processor until that can be read off."""
    before = os.times().user
    while os.times().user < before + 0.03:
        pass


@pytest.mark.usefixtures("locked")
def test_where_the_database_is_locked_a_child_that_uses_the_processor_is_not_stuck(
    watch: Watch, time: Time
) -> None:
    watch.why_stuck(os.getpid())
    for _ in range(2):
        time.seconds += 3600
        busy()
        assert watch.why_stuck(os.getpid()) is None


@pytest.mark.parametrize("damage", ["missing", "row of another process"])
def test_a_child_that_neither_beats_nor_works_is_stuck_whatever_the_database_says(
    watch: Watch, database: Path, time: Time, damage: str
) -> None:
    if damage == "missing":
        database.unlink()
    else:
        beat(database, "start", 0)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    try:
        assert watch.why_stuck(child.pid) is None
        time.seconds += 1801
        assert watch.why_stuck(child.pid) == (
            "no progress for 30 minutes and no heartbeat that could be read, so it was ended"
        )
    finally:
        child.kill()
        child.communicate()


def test_a_real_child_that_freezes_is_ended_with_the_stage_that_it_was_in(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own clock runs; the watch is told that half an hour passes each second once it is frozen."""
    time = Time()
    watch = Watch(database, lambda: 1800.0, monotonic=time)
    frozen = False

    def turn(pid: int) -> str | None:
        nonlocal frozen
        time.seconds += LOOK_SECONDS
        why = watch.why_stuck(pid)
        if frozen:
            time.seconds += 360
        elif working(database):
            os.kill(pid, signal.SIGSTOP)
            frozen = True
        return why

    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    end = run_supervised([sys.executable, "-c", BEATS, str(database)], turn)
    assert end.status == -signal.SIGTERM
    assert end.why is not None
    assert end.why.endswith('in the stage "epoch 1/3", so it was ended')


def working(database: Path) -> bool:
    with open_again(database, 1.0)() as session:
        activity = store.load_activity(session)
    return activity is not None and activity.stage == "epoch 1/3"
