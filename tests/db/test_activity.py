"""What the process that holds the home is doing."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from db import store
from pipeline.records import Activity
from tests.db.samples import NOON, begin_cycle, begin_run, end_cycle

AT_WORK = Activity(7, "boot:12", "here", "features", 3, 10, NOON, NOON, NOON, NOON)


def test_there_is_one_row_and_it_holds_what_was_stored_last(session: Session) -> None:
    assert store.load_activity(session) is None
    store.save_activity(session, AT_WORK)
    later = replace(AT_WORK, pid=8, done=5, beat_at=NOON + timedelta(seconds=5))
    store.save_activity(session, later)
    session.flush()
    session.expunge_all()
    assert store.load_activity(session) == later


def test_it_names_the_cycle_and_the_run_that_are_running(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    store.save_activity(session, AT_WORK)
    assert store.load_activity(session) == replace(AT_WORK, cycle_id=cycle_id, run_id=run_id)
    store.finish_run(session, run_id, status="finished", seconds=1.0)
    end_cycle(session, cycle_id)
    store.save_activity(session, AT_WORK)
    assert store.load_activity(session) == AT_WORK


def test_it_is_gone_when_the_work_has_ended(session: Session) -> None:
    store.save_activity(session, AT_WORK)
    store.clear_activity(session)
    store.clear_activity(session)
    assert store.load_activity(session) is None
