"""Which models may go."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from db import store
from pipeline.records import RunKind
from tests.db.samples import NOON, begin_cycle, begin_run, end_cycle, evaluation, snapshot

LATE = NOON + timedelta(days=1000)


def add(session: Session, kind: RunKind = "finetune", at: datetime = NOON, **changes: object) -> int:
    """Add a finished cycle with one finished run; return the id of the run."""
    cycle_id, _ = begin_cycle(session)
    run_id = begin_run(session, cycle_id, kind, started_at=at, **changes)
    store.finish_run(session, run_id, status="finished", seconds=1.0)
    end_cycle(session, cycle_id)
    return run_id


def test_the_newest_cycles_keep_their_models(session: Session) -> None:
    runs = [add(session) for _ in range(5)]
    assert store.runs_without_need(session, keep_last=2, before=LATE) == runs[:3]
    assert store.runs_without_need(session, keep_last=5, before=LATE) == []
    assert store.runs_without_need(session, keep_last=9, before=LATE) == []
    assert store.runs_without_need(session, keep_last=0, before=LATE) == runs


def test_what_is_younger_than_the_days_to_keep_stays_whatever_its_rank(session: Session) -> None:
    old = add(session)
    add(session, at=NOON + timedelta(days=10))
    assert store.runs_without_need(session, keep_last=0, before=NOON + timedelta(days=5)) == [old]


def test_the_champion_and_the_two_before_it_stay(session: Session) -> None:
    runs = [add(session) for _ in range(5)]
    for run_id in runs[:4]:
        store.promote(session, run_id, NOON, "it was better")
    assert store.runs_without_need(session, keep_last=0, before=LATE) == [runs[0], runs[4]]
    store.promote(session, runs[2], NOON, "it was worse", "rollback")
    assert store.runs_without_need(session, keep_last=0, before=LATE) == [runs[3], runs[4]]


def test_the_newest_baseline_of_each_kind_stays_since_a_cycle_may_use_it_again(session: Session) -> None:
    old, new = add(session, "scratch"), add(session, "scratch")
    other = add(session, "scratch", settings={"epochs": 9})
    another = add(session, "scratch", backbone="tiny")
    assert store.runs_without_need(session, keep_last=0, before=LATE) == [old]
    assert {new, other, another}.isdisjoint(store.runs_without_need(session, keep_last=0, before=LATE))


def test_the_baseline_that_a_kept_cycle_has_reused_stays(session: Session) -> None:
    used, _newer = add(session, "scratch"), add(session, "scratch")
    add(session)
    cycle_id, _ = begin_cycle(session)
    store.set_cycle_runs(session, cycle_id, scratch_id=used, scratch_reused=True)
    end_cycle(session, cycle_id)
    assert used not in store.runs_without_need(session, keep_last=1, before=LATE)


def test_what_is_still_running_or_newer_than_the_last_finished_cycle_stays(session: Session) -> None:
    begin_run(session, begin_cycle(session)[0])
    add(session)
    failed = begin_run(session, begin_cycle(session)[0])
    store.finish_run(session, failed, status="failed", error="no space")
    assert store.runs_without_need(session, keep_last=1, before=LATE) == []


def test_a_cycle_that_may_go_on_keeps_what_it_has_made(session: Session) -> None:
    old = add(session)
    cycle_id, _ = begin_cycle(session)
    done = begin_run(session, cycle_id)
    store.finish_run(session, done, status="finished", seconds=1.0)
    end_cycle(session, cycle_id, "interrupted")
    assert store.runs_without_need(session, keep_last=0, before=LATE) == [old]


def test_a_removal_is_recorded_once(session: Session) -> None:
    run_id = add(session)
    store.set_models_pruned(session, [run_id], NOON)
    store.set_models_pruned(session, [run_id], LATE)
    session.expire_all()
    assert store.load_run(session, run_id).run.model_pruned_at == NOON
    assert store.runs_without_need(session, keep_last=0, before=LATE) == [run_id], "it may have been cut off"


@pytest.mark.parametrize("keep_last", [0, 3])
def test_an_empty_database_has_nothing_to_remove(session: Session, keep_last: int) -> None:
    assert store.runs_without_need(session, keep_last=keep_last, before=LATE) == []


def test_answers_go_beyond_their_number_from_the_oldest_on_and_never_those_that_are_needed(
    session: Session,
) -> None:
    runs = [add(session) for _ in range(6)]
    store.promote(session, runs[1], NOON, "it was better")
    snapshot_id = store.snapshot_with(session, snapshot().digest)
    assert snapshot_id is not None
    for run_id in runs:
        store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot(), "a"))  # two answers each

    def spare(most: int) -> list[int]:
        return store.spare_answers(session, keep_last=2, most=most, before=LATE)

    assert [spare(most) for most in (12, 11, 10, 8, 6, 0)] == [[], [1], [1], [1], [1, 3], [1, 3, 4]]
    store.remove_answers(session, 1)
    assert spare(10) == []
    assert store.evaluation_on(session, runs[0], snapshot_id) is None
    assert store.load_run(session, runs[0]).run.test_accuracy == 0.5, "the scores stay"
    assert store.cycles_without_answers(session) == {1}
    store.add_evaluation(session, runs[0], snapshot_id, evaluation(snapshot()))
    assert store.evaluation_on(session, runs[0], snapshot_id) == evaluation(snapshot())
