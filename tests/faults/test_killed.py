"""Killed at each stage boundary, at random moments, and again while it recovers."""

import random
import signal
import time

import pytest

from pipeline.failpoint import NAMES
from tests.faults.conftest import Injected
from tests.faults.outcome import epochs_of, predictions_of, resumes_of
from tests.faults.subject import Subject, ended_by
from tests.faults.whole import facts_of

ELSEWHERE = {"in_features", "after_backup", "in_repair"}  # see the tests below
PLACES = tuple(name for name in NAMES if name not in ELSEWHERE)
IN_EACH_SUITE = {"after_checkpoint", "after_promotion"}
RANDOM_KILLS = 40


def each(names: tuple[str, ...]) -> list[object]:
    """Return parameters of which most are for `make faults` alone."""
    return [pytest.param(n, marks=() if n in IN_EACH_SUITE else pytest.mark.long) for n in names]


def recovered_as_if_nothing_had_been(subject: Subject, undisturbed: Subject) -> str:
    """Start again, and compare with a home that nothing disturbed; return what came of it."""
    done = subject.cycle()
    assert done.returncode == 0, done.stderr
    assert epochs_of(subject) == epochs_of(undisturbed)
    assert predictions_of(subject) == predictions_of(undisturbed)
    return "the same numbers as undisturbed"


@pytest.mark.parametrize("name", each(PLACES))
def test_after_kill_9_the_next_start_ends_with_the_same_numbers(
    name: str, subject: Subject, undisturbed: Subject, injected: Injected
) -> None:
    done = subject.cycle(failpoint=f"{name}:kill")
    assert ended_by(done, signal.SIGKILL), f"{name} was not reached: {done.stderr}"
    before = facts_of(subject)
    outcome = recovered_as_if_nothing_had_been(subject, undisturbed)
    injected("kill -9 at a stage boundary", outcome, subject, before)


@pytest.mark.long
@pytest.mark.parametrize("name", PLACES)
def test_after_sigterm_the_next_start_ends_with_the_same_numbers(
    name: str, subject: Subject, undisturbed: Subject, injected: Injected
) -> None:
    done = subject.cycle(failpoint=f"{name}:term")
    assert done.returncode in (0, 143), done.stderr
    before = facts_of(subject)
    outcome = recovered_as_if_nothing_had_been(subject, undisturbed)
    injected("SIGTERM at a stage boundary", outcome, subject, before)


@pytest.mark.long
@pytest.mark.parametrize("name", PLACES)
def test_after_a_failed_write_the_next_start_ends_with_the_same_numbers(
    name: str, subject: Subject, undisturbed: Subject, injected: Injected
) -> None:
    done = subject.cycle(failpoint=f"{name}:raise")
    assert done.returncode in (0, 1), done.stderr
    before = facts_of(subject)
    outcome = recovered_as_if_nothing_had_been(subject, undisturbed)
    injected("no space left, at a stage boundary", outcome, subject, before)


def test_killed_in_the_repair_too(subject: Subject, undisturbed: Subject, injected: Injected) -> None:
    assert ended_by(subject.cycle(failpoint="after_checkpoint:kill"), signal.SIGKILL)
    before = facts_of(subject)
    assert ended_by(subject.cycle(failpoint="in_repair:kill"), signal.SIGKILL)
    outcome = recovered_as_if_nothing_had_been(subject, undisturbed)
    injected("kill -9 while it recovers from kill -9", outcome, subject, before, times=2)


@pytest.mark.long
def test_an_interrupted_cycle_goes_on_and_no_other_one_begins(
    subject: Subject, undisturbed: Subject, injected: Injected
) -> None:
    assert ended_by(subject.cycle(failpoint="after_checkpoint@2:kill"), signal.SIGKILL)
    before = facts_of(subject)
    recovered_as_if_nothing_had_been(subject, undisturbed)
    assert resumes_of(subject) == [1], "one cycle, which went on once"
    injected("kill -9 at a stage boundary", "the same numbers as undisturbed", subject, before)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(RANDOM_KILLS))
def test_killed_at_a_random_moment(
    seed: int, subject: Subject, undisturbed: Subject, injected: Injected
) -> None:
    process = subject.start("run-now", "--if-changed")
    time.sleep(random.Random(seed).uniform(0.0, 6.0))
    process.kill()
    process.communicate()
    before = facts_of(subject)
    outcome = recovered_as_if_nothing_had_been(subject, undisturbed)
    injected("kill -9 at a random moment", outcome, subject, before)


@pytest.mark.long
def test_cut_off_again_and_again_it_gives_up_and_says_so(subject: Subject, injected: Injected) -> None:
    before = None
    for _ in range(5):
        done = subject.cycle(failpoint="in_epoch:kill")
        before = before or facts_of(subject)
    assert not ended_by(done, signal.SIGKILL), "after so many attempts none is made"
    assert done.returncode == 1
    injected(
        "kill -9 in each attempt", "given up after three, with a sentence", subject, before, champion=False
    )
