"""Killed at each stage boundary, at random moments, and again while it recovers."""

import random
import signal
import time
from pathlib import Path

import pytest

from pipeline.failpoint import NAMES
from tests.faults.conftest import Injected
from tests.faults.outcome import epochs_of, predictions_of, resumes_of
from tests.faults.subject import Subject, ended_by, make_subject
from tests.faults.whole import facts_of

# Each has a test of its own: below, or of a worker.
ELSEWHERE = {"in_features", "after_backup", "in_repair", "in_chunk"}
PLACES = tuple(name for name in NAMES if name not in ELSEWHERE)
# What a failpoint does -> the exit statuses that may come of it, and the name of the fault.
ENDS = {
    "kill": ((-signal.SIGKILL,), "kill -9 at a stage boundary"),
    "term": ((0, 143), "SIGTERM at a stage boundary"),
    "raise": ((0, 1), "no space left, at a stage boundary"),
}
IN_EACH_SUITE = {("kill", "after_checkpoint"), ("kill", "after_promotion")}
RANDOM_KILLS = 40


def cuts() -> list[object]:
    """Return each end at each place; most of them are for `make faults` alone."""
    pairs = [(action, name) for action in ENDS for name in PLACES]
    return [pytest.param(*p, marks=() if p in IN_EACH_SUITE else pytest.mark.long) for p in pairs]


def recovered_as_if_nothing_had_been(subject: Subject, undisturbed: Subject) -> str:
    """Start again, and compare with a home that nothing disturbed; return what came of it."""
    done = subject.cycle()
    assert done.returncode == 0, done.stderr
    assert epochs_of(subject) == epochs_of(undisturbed)
    assert predictions_of(subject) == predictions_of(undisturbed)
    return "the same numbers as undisturbed"


@pytest.mark.parametrize(("action", "name"), cuts())
def test_wherever_it_is_cut_off_the_next_start_ends_with_the_same_numbers(
    action: str, name: str, subject: Subject, undisturbed: Subject, injected: Injected
) -> None:
    statuses, fault = ENDS[action]
    done = subject.cycle(failpoint=f"{name}:{action}")
    assert done.returncode in statuses, f"{name}: {done.returncode}, {done.stderr}"
    before = facts_of(subject)
    outcome = recovered_as_if_nothing_had_been(subject, undisturbed)
    injected(fault, outcome, subject, before)


@pytest.mark.long
def test_killed_in_the_frozen_pass(
    tmp_path: Path, pictures: Path, tiny_weights: Path, injected: Injected
) -> None:
    subject = make_subject(tmp_path / "fast", pictures, tiny_weights, recipe="fast")
    assert ended_by(subject.cycle(failpoint="in_features:kill"), signal.SIGKILL)
    before = facts_of(subject)
    done = subject.cycle()
    assert done.returncode == 0, done.stderr
    injected("kill -9 in the frozen pass", "goes on at the next start", subject, before)


@pytest.mark.long
def test_killed_after_the_daily_backup(settled: Subject, injected: Injected) -> None:
    assert ended_by(settled.run("run-now", failpoint="after_backup:kill"), signal.SIGKILL)
    before = facts_of(settled)
    done = settled.run("run-now")
    assert done.returncode == 0, done.stderr
    assert len(list((settled.home / "backups").iterdir())) == 1, "the backup is whole, so no other is due"
    injected("kill -9 after the daily backup", "goes on at the next start", settled, before)


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
        "kill -9 in each attempt",
        "given up at the fourth death, with a sentence",
        subject,
        before,
        champion=False,
    )
