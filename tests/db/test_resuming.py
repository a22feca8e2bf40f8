"""How far a cycle has come, and records that are opened again."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import store
from db.tables import CycleQuarantineRow
from pipeline.records import Leak, Suspect, Verdict
from tests.db.samples import NOON, PHOTOS, begin_cycle, begin_run, epoch, sha, snapshot


def cut_off(session: Session, error: str | None = None) -> int:
    """Return the id of a cycle that was cut off while its run was at work, or that ended by itself."""
    cycle_id, _ = begin_cycle(session)
    begin_run(session, cycle_id)
    if error is None:
        store.mark_interrupted(session, NOON)
    else:
        store.finish_cycle(session, cycle_id, status="interrupted", finished_at=NOON, error=error)
    return cycle_id


def test_without_a_cycle_there_is_no_newest_one(session: Session) -> None:
    assert store.newest_cycle(session) is None


def test_the_state_of_the_newest_cycle_tells_what_is_done(session: Session) -> None:
    begin_cycle(session, snapshot("ab"))
    cycle_id, _ = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    store.add_epoch(session, run_id, epoch(1))
    state = store.newest_cycle(session)
    assert state is not None
    assert (state.id, state.images_folder, state.snapshot_digest) == (cycle_id, PHOTOS, snapshot().digest)
    assert (state.decided, state.scratch, state.resumes) == (False, None, 0)
    assert state.finetune is not None
    assert (state.finetune.id, state.finetune.epochs) == (run_id, (epoch(1),))
    store.set_verdict(session, cycle_id, Verdict("first", "there was no champion"), run_id)
    assert store.cycle_state(session, cycle_id).decided


def test_a_baseline_of_an_earlier_cycle_is_no_run_of_this_one(session: Session) -> None:
    earlier, _ = begin_cycle(session)
    baseline = begin_run(session, earlier, "scratch")
    cycle_id, _ = begin_cycle(session)
    store.set_cycle_runs(session, cycle_id, scratch_id=baseline, scratch_reused=True)
    state = store.cycle_state(session, cycle_id)
    assert state.scratch is not None
    assert state.run("scratch") is None


@pytest.mark.parametrize(("error", "crashed"), [(None, True), ("stopped by a signal", False)])
def test_only_a_cycle_whose_process_died_is_counted_when_it_goes_on(
    session: Session, error: str | None, crashed: bool
) -> None:
    cycle_id = cut_off(session, error)
    assert store.cycle_state(session, cycle_id).crashed == crashed
    store.reopen_cycle(session, cycle_id, crashed=crashed)
    state = store.cycle_state(session, cycle_id)
    assert (state.status, state.error, state.resumes) == ("running", None, int(crashed))


def test_a_run_that_goes_on_is_running_again_and_keeps_its_epochs(session: Session) -> None:
    cycle_id = cut_off(session)
    run = store.cycle_state(session, cycle_id).finetune
    assert run is not None
    store.add_epoch(session, run.id, epoch(1))
    store.reopen_run(session, run.id)
    again = store.load_run(session, run.id).run
    assert (again.status, again.error, again.epochs) == ("running", None, (epoch(1),))


def test_a_cycle_that_is_given_up_has_failed(session: Session) -> None:
    cycle_id = cut_off(session)
    store.give_up(session, cycle_id, NOON, "it was cut off 4 times")
    state = store.cycle_state(session, cycle_id)
    assert (state.status, state.error) == ("failed", "given up: it was cut off 4 times")
    assert state.given_up
    assert not state.crashed


def test_the_runs_that_did_not_finish_are_known(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    good, bad = begin_run(session, cycle_id), begin_run(session, cycle_id, "scratch")
    store.finish_run(session, good, status="finished")
    assert store.unfinished_runs(session) == {bad}


def test_what_a_run_gives_twice_is_stored_once(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    for accuracy in (0.5, 0.9):
        store.add_epoch(session, run_id, epoch(1, accuracy))
        store.add_note(session, run_id, "head: C = 1")
    run = store.load_run(session, run_id).run
    assert (run.epochs, run.notes) == ((epoch(1, 0.5),), ("head: C = 1",))


def test_the_data_of_a_cycle_that_goes_on_take_the_place_of_those_before(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    train, test = snapshot().part("train")[0], snapshot().part("test")[0]
    quarantine = snapshot().quarantined
    for leaks in ((Leak(train, test, 1, "none"),) * 2, (Leak(train, test, 2, "none"),)):
        store.set_cycle_snapshot(session, cycle_id, snapshot_id, quarantine)
        store.set_cycle_data(session, cycle_id, changes=(), change_counts={}, leaks=leaks, mended=0)
        store.add_suspects(session, cycle_id, [Suspect(sha("c"), b"c", "cat", "dog", 0.1, len(leaks))])
    cycle = store.load_cycle(session, cycle_id)
    assert [leak.distance for leak in cycle.leaks] == [2]
    assert [suspect.score for suspect in cycle.suspects] == [1]
    assert session.scalar(select(func.count()).select_from(CycleQuarantineRow)) == len(quarantine)
