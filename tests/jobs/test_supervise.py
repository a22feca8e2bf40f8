"""Supervised processes: real ones that end, hang, ignore signals and leave children behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from jobs.supervise import run_supervised
from tests.conftest import REPOSITORY

LEAVES_ONE = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session={apart})
print(left.pid, flush=True)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def never(pid: int) -> None:
    return None


def once_it_says_ready(errors: Path) -> Callable[[int], str | None]:
    """Return a reason as soon as the child has made this file."""
    return lambda pid: "enough" if errors.exists() else None


def test_exit_status_and_output_are_handed_on_and_messages_passed_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    end = run_supervised(
        python("import sys; print('out'); print('message', file=sys.stderr); raise SystemExit(3)"), never
    )
    assert (end.status, end.why, end.output, end.errors) == (3, None, "out\n", "message\n")
    assert capfd.readouterr() == ("", "message\n")


def test_a_process_that_dies_of_a_signal_is_told_from_one_that_failed() -> None:
    assert run_supervised(python("import os; os.kill(os.getpid(), 11)"), never).status == -11


def test_much_output_blocks_nobody_and_the_end_of_it_is_kept() -> None:
    end = run_supervised(python("print('x' * 3_000_000); print('end')"), never, sleep=lambda seconds: None)
    assert end.output.endswith("xx\nend\n")
    assert 60_000 < len(end.output) <= 1_000_000


def test_a_process_is_asked_to_stop_and_its_own_ending_counts(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: exit(143))
pathlib.Path({str(ready)!r}).touch()
time.sleep(600)
"""
    end = run_supervised(python(program), once_it_says_ready(ready))
    assert (end.status, end.why) == (143, "enough")


def test_a_process_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({str(ready)!r}).touch()
time.sleep(600)
"""
    end = run_supervised(python(program), once_it_says_ready(ready), grace_seconds=0.3)
    assert end.status == -signal.SIGKILL


def test_a_process_that_somebody_has_frozen_ends_its_work_properly(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = f"""
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: exit(143))
pathlib.Path({str(ready)!r}).touch()
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(600)
"""
    assert run_supervised(python(program), once_it_says_ready(ready)).status == 143


def test_an_error_of_the_supervisor_leaves_no_process(tmp_path: Path) -> None:
    before = psutil.Process().children()

    def turn(pid: int) -> str | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_supervised(python("import time; time.sleep(600)"), turn)
    assert psutil.Process().children() == before


@pytest.mark.parametrize("apart", [False, True], ids=["same session", "session of its own"])
def test_what_a_child_leaves_behind_goes_with_it(apart: bool) -> None:
    program = f"""
from jobs.watching.process_tree import adopt_orphans
from jobs.supervise import run_supervised
import sys
adopt_orphans()
end = run_supervised([sys.executable, "-c", {LEAVES_ONE.format(apart=apart)!r}], lambda pid: None)
print(end.status, end.output)
"""
    done = subprocess.run(python(program), capture_output=True, text=True, check=True, cwd=REPOSITORY)
    status, pid = done.stdout.split()
    assert status == "0"
    assert not psutil.pid_exists(int(pid))


def test_a_child_does_not_outlive_a_daemon_that_is_killed() -> None:
    child = """if True:
        from jobs.watching.process_tree import die_with_the_daemon
        die_with_the_daemon(); print("up", flush=True); input()
    """
    program = f"""
import os, signal, subprocess, sys
from jobs.watching.process_tree import DAEMON_VARIABLE
ours = os.environ | {{DAEMON_VARIABLE: str(os.getpid())}}
child = subprocess.Popen([sys.executable, "-c", {child!r}], env=ours, stdout=subprocess.PIPE,
                         stdin=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    daemon = subprocess.run(python(program), capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert daemon.returncode == -signal.SIGKILL
    wait_until_gone(int(daemon.stdout))


def test_a_child_whose_daemon_is_dead_already_does_not_begin() -> None:
    program = "from jobs.watching.process_tree import die_with_the_daemon as f; f(); print('worked')"
    done = subprocess.run(
        python(program), capture_output=True, check=False, cwd=REPOSITORY,
        env=os.environ | {"_WHISKER_DAEMON": "999999"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def wait_until_gone(pid: int) -> None:
    """Wait until a process has ended; whoever inherits it may not reap it at once."""
    for _ in range(500):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} lives on")
