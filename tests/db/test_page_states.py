from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from db import store
from tests.db.samples import NOON, begin_cycle, begin_run, end_cycle, epoch, evaluation, snapshot


def cycle_with_a_run(session: Session) -> tuple[int, int, int]:
    cycle_id, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    return cycle_id, snapshot_id, run_id


def test_a_state_stays_as_long_as_nothing_happens(session: Session) -> None:
    cycle_id, _, _ = cycle_with_a_run(session)

    assert store.page_states(session) == store.page_states(session)
    assert list(store.page_states(session)) == [cycle_id]


EVENTS: dict[str, Callable[[Session, int, int, int], Any]] = {
    "an epoch": lambda session, cycle, on, run: store.add_epoch(session, run, epoch(1)),
    "a test": lambda session, cycle, on, run: store.add_evaluation(session, run, on, evaluation(snapshot())),
    "the run's end": lambda session, cycle, on, run: store.finish_run(
        session, run, status="finished", seconds=1.0
    ),
    "the cycle's end": lambda session, cycle, on, run: end_cycle(session, cycle),
    "an error": lambda session, cycle, on, run: store.finish_cycle(
        session, cycle, status="failed", finished_at=NOON, error="class 'cat' is empty"
    ),
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_state_changes_with_what_the_page_shows(session: Session, event: str) -> None:
    cycle_id, snapshot_id, run_id = cycle_with_a_run(session)
    before = store.page_states(session)[cycle_id]

    EVENTS[event](session, cycle_id, snapshot_id, run_id)

    assert store.page_states(session)[cycle_id] != before


def test_a_page_does_not_change_when_a_later_cycle_comes_or_another_model_is_promoted(
    session: Session,
) -> None:
    cycle_id, snapshot_id, run_id = cycle_with_a_run(session)
    end_cycle(session, cycle_id)
    before = store.page_states(session)[cycle_id]

    later, _, other = cycle_with_a_run(session)
    store.add_evaluation(session, other, snapshot_id, evaluation(snapshot()))
    end_cycle(session, later)
    store.promote(session, run_id, NOON, "by hand")

    states = store.page_states(session)
    assert states[cycle_id] == before
    assert list(states) == [later, cycle_id]


def test_a_state_knows_the_finished_cycle_before_it_in_the_same_folder(session: Session) -> None:
    earlier, _ = begin_cycle(session)
    elsewhere, _ = begin_cycle(session, folder="/elsewhere")
    later, _ = begin_cycle(session)
    before = store.page_states(session)

    end_cycle(session, earlier)
    after = store.page_states(session)

    assert after[later] != before[later]
    assert after[elsewhere] == before[elsewhere]
