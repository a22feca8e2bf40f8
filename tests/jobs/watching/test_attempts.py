"""What the daemon does at its next look, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.watching.attempts import Attempt, Limits, Trouble, after, delay, is_paused, next_attempt
from jobs.watching.child_result import Result

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY = timedelta(minutes=10)
LIMITS = Limits(EVERY, pause_after=5)
PASSES = Trouble(1, True, "the database was busy", NOON, "now")
STAYS = replace(PASSES, passes=False, reason="the loss became nan")
DONE, HELD_BACK = Result("done"), Result("held back")
BUSY, STOPPED = Result("busy"), Result("stopped")
FAILED = Result("failed", "the disk is full", passes=True)


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 10), (2, 20), (3, 40), (6, 320), (7, 360), (8, 360), (10_000, 360)]
)
def test_the_delay_doubles_up_to_six_hours(failures: int, minutes: int) -> None:
    assert delay(failures, LIMITS) == timedelta(minutes=minutes)


def test_the_longest_interval_and_any_number_of_failures_have_a_delay() -> None:
    assert delay(10_000, Limits(timedelta(days=366), 5)) == timedelta(hours=6)


MINUTES = {
    "no trouble": (None, 0, "look"),
    "the look right after a failure": (PASSES, 1, "wait"),
    "the next look of the schedule, which comes a little early": (PASSES, 9.5, "look"),
    "the same after the second failure": (replace(PASSES, failures=2), 10, "wait"),
    "and the one after it": (replace(PASSES, failures=2), 20, "look"),
    "the clock was set back by two hours": (PASSES, -120, "look"),
    "the clock was set forward by a year": (PASSES, 525_600, "look"),
    "it was paused": (replace(PASSES, failures=5), 10, "look for new data"),
    "the pause has lasted a day": (replace(PASSES, failures=5), 1440, "look"),
    "it was paused and the clock set back": (replace(PASSES, failures=5), -1, "look"),
    "what does not pass, at the next look": (STAYS, 10, "look for new data"),
    "what does not pass, after a month": (STAYS, 43_200, "look for new data"),
}


@pytest.mark.parametrize("case", MINUTES)
def test_what_the_next_look_does(case: str) -> None:
    trouble, minutes, expected = MINUTES[case]
    assert next_attempt(trouble, LIMITS, "now", NOON + timedelta(minutes=minutes)) == expected


@pytest.mark.parametrize("trouble", [PASSES, STAYS, replace(PASSES, failures=5)])
def test_with_other_settings_or_another_program_all_is_tried_at_once(trouble: Trouble) -> None:
    assert next_attempt(trouble, LIMITS, "changed", NOON + timedelta(minutes=1)) == "look"


AFTER: dict[str, tuple[Trouble | None, Attempt, Result, Trouble | None]] = {
    "all is well": (None, "look", DONE, None),
    "it has passed": (PASSES, "look", DONE, None),
    "there was new data": (STAYS, "look for new data", DONE, None),
    "nothing but what has failed": (STAYS, "look for new data", HELD_BACK, STAYS),
    "somebody else was at work": (PASSES, "look", BUSY, PASSES),
    "the daemon was stopped": (PASSES, "look", STOPPED, PASSES),
    "the first failure": (None, "look", FAILED, Trouble(1, True, "the disk is full", NOON, "now")),
    "another one": (PASSES, "look", FAILED, Trouble(2, True, "the disk is full", NOON, "now")),
    "one after the settings had changed": (
        replace(PASSES, failures=4, situation="before"), "look", FAILED,
        Trouble(1, True, "the disk is full", NOON, "now"),
    ),
    "a look for new data that fails too": (
        STAYS, "look for new data", FAILED, replace(STAYS, reason="the disk is full")
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", AFTER)
def test_what_is_the_trouble_after_a_look(case: str) -> None:
    trouble, attempt, result, expected = AFTER[case]
    assert after(trouble, attempt, result, NOON, "now") == expected


def test_what_crashes_each_time_is_tried_five_times_a_day_and_then_once_a_day() -> None:
    trouble, tried = None, []
    for minute in range(0, 4 * 1440, 10):
        now = NOON + timedelta(minutes=minute)
        attempt = next_attempt(trouble, LIMITS, "now", now)
        if attempt == "look":
            tried.append(minute)
            trouble = after(trouble, attempt, FAILED, now, "now")
        elif attempt == "look for new data":
            trouble = after(trouble, attempt, HELD_BACK, now, "now")
    assert tried == [0, 10, 30, 70, 150, 150 + 1440, 150 + 2 * 1440, 150 + 3 * 1440]
    assert trouble is not None
    assert is_paused(trouble, LIMITS)


@given(
    st.lists(st.tuples(st.sampled_from([DONE, HELD_BACK, BUSY, FAILED]), st.integers(-10_000, 10_000))),
)
def test_however_the_clock_goes_a_success_forgets_all_and_no_delay_outlasts_a_day(
    steps: list[tuple[Result, int]],
) -> None:
    trouble, now = None, NOON
    for result, minutes in steps:
        now += timedelta(minutes=minutes)
        attempt = next_attempt(trouble, LIMITS, "now", now)
        if attempt != "wait":
            trouble = after(trouble, attempt, result, now, "now")
        assert trouble is None or result.kind != "done" or attempt == "wait"
    if trouble is not None:
        assert next_attempt(trouble, LIMITS, "now", trouble.tried_at + timedelta(days=1)) == "look"
