"""The daemon beside other processes, under a storm of signals, with a child that hangs, and killed itself."""

import random
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from tests.faults.conftest import Injected
from tests.faults.outcome import rows
from tests.faults.subject import TIMEOUT_SECONDS, Subject
from tests.faults.whole import facts_of

STORMS = 40


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for something; fail if it does not come."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.05)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end; return exit status and standard error."""
    _, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, err


def finished_cycles(subject: Subject) -> int:
    if not (subject.home / "whisker.db").exists():
        return 0
    return int(rows(subject, "SELECT count(*) FROM cycle WHERE status = 'finished'")[0][0])


def test_of_a_daemon_and_five_others_one_works_and_the_others_leave_with_75(
    subject: Subject, injected: Injected
) -> None:
    daemon = subject.start("daemon", failpoint="after_snapshot:stop")
    until(lambda: (subject.home / "whisker.owner").exists(), "the daemon's cycle holds the home")
    worker = psutil.Process(child_of(daemon))
    until(
        lambda: worker.status() == psutil.STATUS_STOPPED, "the cycle stands still, with the home in its hand"
    )
    others = [subject.start("run-now") for _ in range(5)]
    said = [ended(process) for process in others]
    assert [status for status, _ in said] == [75] * 5, said
    assert all(f"process {worker.pid}" in err for _, err in said), "the owner is named"
    worker.resume()
    until(lambda: finished_cycles(subject), "the cycle has finished")
    before = facts_of(subject)
    daemon.terminate()
    assert ended(daemon)[0] == 143
    assert rows(subject, "SELECT count(*) FROM cycle") == [(1,)]
    outcome = "one works, five leave with 75"
    injected("five `run-now` beside the daemon's cycle", outcome, subject, before, times=5)


def child_of(process: "subprocess.Popen[str]") -> int:
    children = psutil.Process(process.pid).children()
    assert len(children) == 1
    return children[0].pid


@pytest.mark.long
def test_a_second_daemon_leaves_with_75(settled: Subject, injected: Injected) -> None:
    before = facts_of(settled)
    first = settled.start("daemon")
    until(lambda: (settled.home / "daemon.owner").exists(), "the first daemon holds its lock")
    second = settled.run("daemon")
    assert second.returncode == 75
    assert str(first.pid) in second.stderr
    first.terminate()
    assert ended(first)[0] == 143
    injected("a second daemon", "leaves with 75; the first goes on", settled, before)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(STORMS))
def test_a_storm_of_signals_ends_the_daemon_and_its_cycle_cleanly(
    seed: int, subject: Subject, injected: Injected
) -> None:
    moments = random.Random(seed)
    daemon = subject.start("daemon")
    time.sleep(moments.uniform(0.0, 6.0))
    sent = 0
    while daemon.poll() is None and sent < 10:
        daemon.terminate()
        sent += 1
        time.sleep(moments.uniform(0.0, 0.2))
    status, err = ended(daemon)
    assert status in (143, -signal.SIGTERM), err  # the latter before Python has come up
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    injected(
        "a storm of SIGTERM at the daemon",
        "ends with 143; goes on at the next start",
        subject,
        before,
        times=sent,
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_daemon_that_is_killed_leaves_no_cycle_behind_and_its_successor_goes_on(
    seed: int, subject: Subject, injected: Injected
) -> None:
    daemon = subject.start("daemon")
    until(lambda: (subject.home / "whisker.owner").exists(), "a cycle is at work")
    time.sleep(random.Random(seed).uniform(0.0, 3.0))
    children = psutil.Process(daemon.pid).children(recursive=True)
    daemon.kill()
    daemon.communicate()
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children), "the child has noticed"
    before = facts_of(subject)
    successor = subject.start("daemon")
    until(lambda: finished_cycles(subject), "the successor has finished the cycle")
    successor.terminate()
    assert ended(successor)[0] == 143
    injected("kill -9 of the daemon", "its cycle ends; the successor goes on", subject, before)


def test_a_cycle_that_hangs_is_ended_and_said(subject: Subject, injected: Injected) -> None:
    text = (subject.home / "whisker.toml").read_text()
    (subject.home / "whisker.toml").write_text(text.replace("[daemon]", '[daemon]\nstuck_after = "4s"'))
    daemon = subject.start("daemon", failpoint="in_epoch@2:stop")
    until(lambda: stuck(subject), "the hanging cycle was ended")
    daemon.terminate()
    status, err = ended(daemon)
    assert status == 143, err
    assert "no progress" in err
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    injected("a cycle that hangs (SIGSTOP)", "killed, with the reason; goes on", subject, before)


def stuck(subject: Subject) -> bool:
    if not (subject.home / "whisker.db").exists():
        return False
    return bool(rows(subject, "SELECT 1 FROM cycle WHERE error LIKE '%no progress%'"))


@pytest.mark.long
def test_a_cycle_that_is_killed_each_time_is_not_tried_for_ever(subject: Subject, injected: Injected) -> None:
    text = (subject.home / "whisker.toml").read_text()
    more = "[daemon]\npause_after_failures = 3"
    (subject.home / "whisker.toml").write_text(text.replace("[daemon]", more))
    daemon = subject.start("daemon", failpoint="after_snapshot:kill")
    until(lambda: '"paused' in subject.run("--json", "status").stdout, "the daemon says that it pauses")
    time.sleep(3)
    daemon.terminate()
    status, err = ended(daemon)
    assert status == 143, err
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    injected("a cycle that dies each time", "paused after some failures, and said", subject, before)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_cycle_that_a_person_started_ends_cleanly_at_any_signal(
    number: signal.Signals, subject: Subject, injected: Injected
) -> None:
    process = subject.start("run-now")
    until(lambda: (subject.home / "whisker.owner").exists(), "the cycle is at work")
    time.sleep(1.5)
    process.send_signal(number)
    status, err = ended(process)
    assert status == 128 + number, err
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    injected(f"{number.name} during `run-now`", "ends with its status; goes on", subject, before)


@pytest.mark.long
def test_two_ctrl_c_end_at_once_and_lose_nothing(subject: Subject, injected: Injected) -> None:
    process = subject.start("run-now")
    until(lambda: (subject.home / "whisker.owner").exists(), "the cycle is at work")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    status, err = ended(process)
    assert status == 130, err
    before = facts_of(subject)
    assert subject.cycle().returncode == 0
    injected("Ctrl-C twice", "ends at once; goes on", subject, before)
