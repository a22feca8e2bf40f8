"""The heartbeat of the working loop."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_again, open_read_only
from db.sqlite_engine import connect_to_file
from jobs.watching.heartbeat import EVERY_SECONDS, Heartbeat, beating
from jobs.watching.process_identity import this_process
from pipeline.errors import EmptyClass, Interrupted
from pipeline.evaluate import silent
from pipeline.records import Activity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heartbeat(database: Path, clock: Clock) -> Heartbeat:
    return beats(open_again(database, 0.05), clock)


def beats(
    sessions: sessionmaker[Session], clock: Clock, check: Callable[[], None] = lambda: None
) -> Heartbeat:
    return Heartbeat(sessions, silent, check, now=clock.now, monotonic=clock.monotonic)


def stored(database: Path) -> Activity:
    with open_read_only(database)() as session:
        activity = store.load_activity(session)
    assert activity is not None
    return activity


def test_it_says_at_once_which_process_is_at_work(heartbeat: Heartbeat, database: Path, clock: Clock) -> None:
    activity, me = stored(database), this_process()
    assert (activity.pid, activity.process_start, activity.host) == (me.pid, me.start, me.host)
    assert (activity.stage, activity.beat_at) == ("start", clock.now())


def test_it_is_stored_every_few_seconds_and_a_new_stage_sooner(
    heartbeat: Heartbeat, database: Path, clock: Clock
) -> None:
    heartbeat.progress("files", 1, 9)
    assert stored(database).stage == "start"
    clock.seconds += 1
    heartbeat.progress("files", 2, 9)
    begun = clock.now()
    assert (stored(database).stage, stored(database).done) == ("files", 2)
    clock.seconds += EVERY_SECONDS - 1
    heartbeat.progress("files", 3, 9)
    assert stored(database).done == 2
    clock.seconds += 1
    heartbeat.progress("files", 4, 9)
    now = stored(database)
    assert (now.done, now.total, now.progress_at) == (4, 9, clock.now())
    assert now.stage_started_at == begun - timedelta(seconds=1)
    assert now.started_at == NOON + timedelta(seconds=100)


def test_a_loop_that_only_asks_whether_to_stop_beats_without_progress(
    heartbeat: Heartbeat, database: Path, clock: Clock
) -> None:
    clock.seconds += 60
    heartbeat.check_stop()
    assert stored(database).beat_at == clock.now()
    assert stored(database).progress_at == clock.now() - timedelta(seconds=60)


def test_progress_and_stop_are_passed_on(database: Path, clock: Clock) -> None:
    shown = []

    def stop() -> None:
        raise Interrupted(15)

    heartbeat = Heartbeat(
        open_again(database, 0.05), lambda *step: shown.append(step), stop,
        now=clock.now, monotonic=clock.monotonic,
    )  # fmt: skip
    heartbeat.progress("files", 1, 9)
    with pytest.raises(Interrupted):
        heartbeat.check_stop()
    assert shown == [("files", 1, 9)]


@pytest.fixture
def locked(database: Path) -> Iterator[Callable[[], None]]:
    """Lock the database; give the function that frees it."""
    with closing(connect_to_file(database, "rw")) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN EXCLUSIVE")
        yield connection.rollback


def test_a_beat_in_a_busy_database_is_left_out_and_the_next_one_comes(
    database: Path, clock: Clock, locked: Callable[[], None]
) -> None:
    heartbeat = beats(open_again(database, 0.01), clock)
    heartbeat.progress("files", 1, 9)
    locked()
    clock.seconds += EVERY_SECONDS
    heartbeat.progress("files", 2, 9)
    assert stored(database).done == 2


def test_a_database_that_is_gone_does_not_fail_the_work(tmp_path: Path, clock: Clock) -> None:
    heartbeat = beats(open_again(tmp_path / "none" / "whisker.db", 0.01), clock)
    heartbeat.progress("files", 1, 9)
    heartbeat.end()


@pytest.mark.parametrize("error", [None, EmptyClass("class 'cat' is empty"), KeyboardInterrupt()])
def test_nothing_is_left_at_the_end_however_it_ends(database: Path, error: BaseException | None) -> None:
    with suppress(EmptyClass, KeyboardInterrupt), beating(database, silent, lambda: None) as heartbeat:
        heartbeat.progress("files", 1, 9)
        if error:
            raise error
    with open_read_only(database)() as session:
        assert store.load_activity(session) is None
