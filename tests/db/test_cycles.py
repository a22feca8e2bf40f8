from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from db import store
from pipeline.errors import NoSuchRecord
from pipeline.records import Run, RunDetails, Verdict
from tests.db.samples import NOON, PHOTOS, begin_cycle, begin_run, end_cycle, epoch, evaluation, sha, snapshot


def run_of(details: RunDetails | None) -> Run:
    assert details is not None
    return details.run


def test_a_cycle_comes_back_with_all_that_was_recorded(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    finetune, scratch = begin_run(session, cycle_id), begin_run(session, cycle_id, "scratch")
    store.add_epoch(session, finetune, epoch(1))
    store.add_evaluation(session, finetune, snapshot_id, evaluation(snapshot(), "b"))
    verdict = Verdict("first", "there was no champion")
    store.promote(session, finetune, NOON, verdict.reason)
    store.set_verdict(session, cycle_id, verdict, finetune)
    end_cycle(session, cycle_id)
    cycle = store.load_cycle(session, cycle_id)
    assert (cycle.id, cycle.status, cycle.error, cycle.images_folder) == (cycle_id, "finished", None, PHOTOS)
    assert (cycle.started_at, cycle.finished_at) == (NOON, NOON + timedelta(minutes=5))
    assert (cycle.verdict, cycle.champion_id, cycle.scratch_reused) == (verdict, finetune, False)
    assert cycle.finetune == store.load_run(session, finetune)
    assert run_of(cycle.scratch).id == scratch
    assert cycle.snapshot is not None
    assert (cycle.snapshot.digest, cycle.snapshot.classes) == (snapshot().digest, ("cat", "dog"))


def test_a_cycle_that_failed_before_its_snapshot_is_readable(session: Session) -> None:
    cycle_id = store.start_cycle(session, "/caf\udce9", NOON)
    store.finish_cycle(session, cycle_id, status="failed", finished_at=NOON, error="class 'cat' is empty")
    cycle = store.load_cycle(session, cycle_id)
    assert (cycle.snapshot, cycle.finetune, cycle.scratch, cycle.verdict) == (None, None, None, None)
    assert (cycle.images_folder, cycle.error) == ("/caf\udce9", "class 'cat' is empty")
    assert store.list_cycles(session) == [cycle]


def test_a_reused_baseline_is_shown_with_its_evaluation_on_the_snapshot_of_this_cycle(
    session: Session,
) -> None:
    first, old = begin_cycle(session)
    baseline = begin_run(session, first, "scratch")
    store.add_evaluation(session, baseline, old, evaluation(snapshot()))
    later, new = begin_cycle(session, snapshot("uvwxyz"))
    finetune = begin_run(session, later)
    store.set_cycle_runs(session, later, scratch_id=baseline, scratch_reused=True)
    cycle = store.load_cycle(session, later)
    assert run_of(cycle.finetune).id == finetune
    assert cycle.scratch_reused
    assert cycle.scratch is not None
    assert cycle.scratch.evaluation is None
    store.add_evaluation(session, baseline, new, evaluation(snapshot("uvwxyz"), "u"))
    again = store.load_cycle(session, later).scratch
    assert again is not None
    assert again.evaluation == evaluation(snapshot("uvwxyz"), "u")
    assert again.run.test_accuracy == 1.0


def test_the_list_has_the_newest_cycle_first_with_scores_but_without_predictions(session: Session) -> None:
    first, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, first)
    store.add_epoch(session, run_id, epoch(1))
    store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot(), "a"))
    second, _ = begin_cycle(session)
    assert store.cycle_ids(session) == [second, first]
    newer, older = store.list_cycles(session)
    assert (newer.id, newer.finetune) == (second, None)
    assert older.finetune is not None
    assert older.finetune.run.epochs == (epoch(1),)
    assert older.finetune.evaluation is not None
    assert (older.finetune.evaluation.accuracy, older.finetune.evaluation.predictions) == (0.5, ())
    whole = store.load_cycle(session, first).snapshot
    assert whole is not None
    assert older.snapshot == replace(whole, quarantined=()), "an index of many cycles shows no files"


def test_thumbnails_are_those_of_the_images_that_a_run_got_wrong_the_worst_first(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    finetune, scratch = begin_run(session, cycle_id), begin_run(session, cycle_id, "scratch")
    store.save_thumbnails(session, {sha(name): name.encode() for name in "abcdef"})
    store.add_evaluation(session, finetune, snapshot_id, evaluation(snapshot()))
    assert store.load_cycle(session, cycle_id).thumbnails == {}
    store.add_evaluation(session, scratch, snapshot_id, evaluation(snapshot(), "b", "a"))
    assert list(store.load_cycle(session, cycle_id).thumbnails.values()) == [b"b", b"a"]
    assert store.load_cycle(session, cycle_id, thumbnails=1).thumbnails == {sha("b"): b"b"}


def test_a_cycle_that_is_not_there_is_named(session: Session) -> None:
    with pytest.raises(NoSuchRecord, match="there is no cycle 9"):
        store.load_cycle(session, 9)
    with pytest.raises(NoSuchRecord, match="there is no cycle 9"):
        end_cycle(session, 9)


def test_what_was_cut_off_is_marked_once_and_what_is_finished_stays(session: Session) -> None:
    finished, _ = begin_cycle(session)
    end_cycle(session, finished)
    cut_off, _ = begin_cycle(session)
    run_id = begin_run(session, cut_off)
    store.add_epoch(session, run_id, epoch(1))
    assert store.mark_interrupted(session, NOON) == [cut_off]
    assert store.mark_interrupted(session, NOON + timedelta(days=1)) == []
    cycle = store.load_cycle(session, cut_off)
    assert (cycle.status, cycle.finished_at) == ("interrupted", NOON)
    assert cycle.error == "the process ended without finishing"
    run = run_of(cycle.finetune)
    assert (run.status, run.error, run.epochs) == ("interrupted", cycle.error, (epoch(1),))
    assert store.load_cycle(session, finished).status == "finished"


def test_who_saw_a_process_die_says_why_of_the_cycle_that_it_cut_off_and_no_other(
    session: Session,
) -> None:
    assert store.explain_interruption(session, NOON, "killed") is None
    cycle_id, _ = begin_cycle(session)
    begin_run(session, cycle_id)
    store.mark_interrupted(session, NOON)
    assert store.explain_interruption(session, NOON + timedelta(seconds=1), "killed") is None
    assert store.explain_interruption(session, NOON - timedelta(hours=1), "killed") == cycle_id
    cycle = store.load_cycle(session, cycle_id)
    assert cycle.error == "the process ended without finishing: killed"
    assert run_of(cycle.finetune).error == cycle.error
    newest = store.newest_cycle(session)
    assert newest is not None
    assert newest.crashed
    end_cycle(session, cycle_id)
    assert store.explain_interruption(session, NOON, "killed") is None


def test_the_number_of_a_deleted_cycle_does_not_come_back(session: Session) -> None:
    from db.runs import get_cycle

    first = store.start_cycle(session, PHOTOS, NOON)
    session.delete(get_cycle(session, first))
    session.flush()
    assert store.start_cycle(session, PHOTOS, NOON) > first
