"""Which cycle goes on after it was cut off."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.resume import (
    MOST_CRASHES,
    Wanted,
    as_stored,
    cycle_to_go_on_with,
    give_up_after_crashes,
    status_after,
)
from pipeline.errors import DiskFull, Interrupted, OutOfMemory, TrainingDiverged
from pipeline.recipes import recipe_named
from tests.db.samples import NOON, PHOTOS, begin_cycle, begin_run, snapshot
from tests.jobs.stored_homes import make_home

RECIPE = replace(recipe_named("classic"), epochs=3)
WANTED = Wanted(PHOTOS, snapshot().digest, RECIPE, 7, "gpu:0", "ab12")
Sessions = sessionmaker[Session]


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return make_home(tmp_path / "home")[1]


def cut_off(sessions: Sessions, *, parts: int = 1) -> int:
    """Return the id of a cycle whose process was killed while it trained."""
    with sessions.begin() as session:
        cycle_id, _ = begin_cycle(session)
        begin_run(
            session,
            cycle_id,
            settings=as_stored(replace(RECIPE, gradient_parts=parts)),
            device="gpu:0",
            notes=["pretrained weights: a file, SHA-256 ab12"],
        )
        store.mark_interrupted(session, NOON)
    return cycle_id


def goes_on(sessions: Sessions, wanted: Wanted) -> int | None:
    with sessions() as session:
        state = cycle_to_go_on_with(session, wanted)
    return state.id if state else None


def test_a_cycle_that_was_to_train_just_this_goes_on(sessions: Sessions) -> None:
    assert goes_on(sessions, WANTED) is None, "there is no cycle yet"
    cycle_id = cut_off(sessions)
    assert goes_on(sessions, WANTED) == cycle_id
    assert goes_on(sessions, replace(WANTED, device="gpu:1")) == cycle_id, "a device of the same kind"


def test_it_goes_on_also_where_memory_made_the_parts_of_its_batches_smaller(sessions: Sessions) -> None:
    cycle_id = cut_off(sessions, parts=4)
    assert goes_on(sessions, WANTED) == cycle_id


@pytest.mark.parametrize(
    "other",
    [
        replace(WANTED, images_folder="/elsewhere"),
        replace(WANTED, digest="other images"),
        replace(WANTED, recipe=replace(RECIPE, learning_rate=0.5)),
        replace(WANTED, seed=8),
        replace(WANTED, device="cpu"),
        replace(WANTED, weights="cd34"),
    ],
    ids=["folder", "images", "settings", "seed", "device", "weights"],
)
def test_anything_else_is_a_new_cycle(sessions: Sessions, other: Wanted) -> None:
    cut_off(sessions)
    assert goes_on(sessions, other) is None


def test_only_the_newest_cycle_goes_on(sessions: Sessions) -> None:
    cut_off(sessions)
    with sessions.begin() as session:
        newer, _ = begin_cycle(session, snapshot("xy"))
        store.finish_cycle(session, newer, status="finished", finished_at=NOON)
    assert goes_on(sessions, WANTED) is None


def test_a_cycle_that_was_cut_off_before_its_first_run_goes_on(sessions: Sessions) -> None:
    with sessions.begin() as session:
        cycle_id, _ = begin_cycle(session)
        store.mark_interrupted(session, NOON)
    assert goes_on(sessions, WANTED) == cycle_id


def test_a_cycle_whose_process_dies_again_and_again_is_given_up(sessions: Sessions) -> None:
    cycle_id = cut_off(sessions)
    for crashes in range(1, MOST_CRASHES + 1):
        with sessions.begin() as session:
            assert give_up_after_crashes(session, NOON) is None, f"after {crashes} crashes"
            store.reopen_cycle(session, cycle_id, crashed=True)
            store.mark_interrupted(session, NOON)
    with sessions.begin() as session:
        assert give_up_after_crashes(session, NOON) == cycle_id
        state = store.cycle_state(session, cycle_id)
    assert state.given_up
    assert state.error is not None and "its process died 4 times" in state.error
    assert goes_on(sessions, WANTED) == cycle_id, "a person may ask for it"
    with sessions.begin() as session:
        store.reopen_cycle(session, cycle_id, crashed=state.crashed)
        store.mark_interrupted(session, NOON)
        assert give_up_after_crashes(session, NOON) == cycle_id, "once"


def test_to_be_stopped_is_no_crash_however_often_it_happens(sessions: Sessions) -> None:
    cycle_id = cut_off(sessions)
    for _ in range(10):
        with sessions.begin() as session:
            store.reopen_cycle(session, cycle_id, crashed=False)
            store.finish_cycle(session, cycle_id, status="interrupted", finished_at=NOON, error="stopped")
            assert give_up_after_crashes(session, NOON) is None
    assert goes_on(sessions, WANTED) == cycle_id


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Interrupted(15), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (DiskFull("no space"), "interrupted"),
        (OSError(errno.ENOSPC, "no space"), "interrupted"),
        (OutOfMemory("no memory", goes_on=True), "interrupted"),
        (OutOfMemory("no memory", goes_on=False), "failed"),
        (TrainingDiverged("the loss became nan"), "failed"),
        (OSError(errno.EACCES, "not allowed"), "failed"),
        (ValueError("a bug"), "failed"),
    ],
    ids=repr,
)
def test_what_may_pass_cuts_off_and_what_may_not_fails(error: BaseException, status: str) -> None:
    assert status_after(error) == status
