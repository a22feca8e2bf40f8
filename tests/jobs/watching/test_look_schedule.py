"""When looks are due, by a real scheduler."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from jobs.config import Config
from jobs.watching.look_schedule import LookSchedule

HOURLY = Config(every="1h")
BY_CRON = Config(cron="0 3 * * *")


class Clock:
    """The clock on the wall, ahead by so much."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schedule(request: pytest.FixtureRequest, clock: Clock) -> Iterator[LookSchedule]:
    made = LookSchedule(getattr(request, "param", HOURLY), clock)
    yield made
    made.stop()


def comes_due(schedule: LookSchedule) -> bool:
    """Return whether a look comes due by itself in the next seconds."""
    for _ in range(300):
        if schedule.take_due():
            return True
        time.sleep(0.01)
    return False


def minutes_until(schedule: LookSchedule) -> float:
    planned = schedule.next_look()
    assert planned is not None
    return (planned - datetime.now(UTC)).total_seconds() / 60


def test_the_first_look_by_interval_is_due_at_once_and_once(schedule: LookSchedule) -> None:
    assert comes_due(schedule)
    assert not schedule.take_due()
    assert 59 < minutes_until(schedule) <= 60
    assert str(schedule) == "every 1h"


@pytest.mark.parametrize("schedule", [BY_CRON], indirect=True)
def test_by_cron_the_first_look_comes_when_the_expression_says(schedule: LookSchedule) -> None:
    planned = schedule.next_look()
    assert planned is not None
    assert (planned.hour, planned.minute) == (3, 0)
    assert not schedule.take_due()
    assert str(schedule) == "by cron, 0 3 * * * UTC"


def test_a_changed_interval_counts_from_now_and_an_unchanged_one_leaves_the_plan(
    schedule: LookSchedule,
) -> None:
    assert comes_due(schedule)
    assert not schedule.follow(Config(every="1h", seed=5))
    assert minutes_until(schedule) > 59
    assert schedule.follow(Config(every="10m"))
    assert 9 < minutes_until(schedule) <= 10
    assert schedule.follow(BY_CRON)
    assert str(schedule) == "by cron, 0 3 * * * UTC"
    assert not schedule.take_due()


def test_after_a_jump_of_the_clock_an_interval_looks_at_once(schedule: LookSchedule) -> None:
    assert comes_due(schedule)
    schedule.realign()
    assert comes_due(schedule)
    assert 59 < minutes_until(schedule) <= 60


@pytest.mark.parametrize("schedule", [BY_CRON], indirect=True)
@pytest.mark.parametrize(("hours", "due"), [(25, True), (-25, False)])
def test_after_a_jump_a_look_by_cron_that_was_left_out_is_made_up_for(
    schedule: LookSchedule, clock: Clock, hours: int, due: bool
) -> None:
    clock.ahead = timedelta(hours=hours)
    schedule.realign()
    assert schedule.take_due() == due
    assert 0 < minutes_until(schedule) <= 1440


def test_a_scheduler_that_does_not_look_any_more_is_noticed_and_replaced(
    schedule: LookSchedule, clock: Clock
) -> None:
    assert comes_due(schedule)
    assert schedule.is_alive()
    clock.ahead = timedelta(minutes=65)
    assert not schedule.is_alive()
    clock.ahead = timedelta()
    schedule.restart()
    assert comes_due(schedule)
    assert schedule.is_alive()
