"""How looks at the folder ended."""

from datetime import timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db import store
from db.looks import KEPT
from db.work_tables import LookRow
from pipeline.records import LookRecord
from tests.db.samples import NOON, begin_cycle

FAILED = LookRecord(NOON, NOON + timedelta(seconds=2), "failed", "no folder caf\udce9", None)


def test_the_newest_come_first(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    finished = LookRecord(NOON, NOON + timedelta(hours=1), "finished", "5 new images", cycle_id)
    store.add_look(session, FAILED)
    store.add_look(session, finished)
    session.expunge_all()
    newest, before = store.latest_looks(session, 5)
    assert newest == finished
    assert (before.outcome, before.reason) == ("failed", "no folder caf\\udce9")
    assert store.latest_looks(session, 1) == [finished]


def test_only_the_newest_thousand_are_kept(session: Session) -> None:
    row = {"started_at": NOON, "ended_at": NOON, "outcome": "nothing-new", "reason": "old", "cycle_id": None}
    session.execute(insert(LookRow), [row] * (KEPT + 5))
    store.add_look(session, FAILED)
    assert session.scalar(select(func.count()).select_from(LookRow)) == KEPT
    assert store.latest_looks(session, 1)[0].outcome == "failed"
