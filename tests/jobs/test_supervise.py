"""Signals and supervised processes."""

import os
import signal
import sys
import threading
import time

import psutil
import pytest

from jobs.stop import StopFlag, stop_on_signals
from jobs.supervise import run_supervised
from pipeline.errors import Interrupted


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_the_exit_status_is_handed_on() -> None:
    assert run_supervised(python("raise SystemExit(3)"), StopFlag()) == 3


def test_a_process_that_dies_of_a_signal_is_told_from_one_that_failed() -> None:
    assert run_supervised(python("import os; os.kill(os.getpid(), 9)"), StopFlag()) == -9


def stop_after(flag: StopFlag, seconds: float) -> None:
    def stop() -> None:
        time.sleep(seconds)
        flag.signal_number = signal.SIGTERM

    threading.Thread(target=stop).start()


def test_a_stop_is_passed_on_to_the_process() -> None:
    flag, before = StopFlag(), psutil.Process().children()
    stop_after(flag, 0.5)
    assert run_supervised(python("import time; time.sleep(60)"), flag) == -signal.SIGTERM
    assert psutil.Process().children() == before


def test_a_process_that_ignores_it_is_killed() -> None:
    flag, before = StopFlag(), psutil.Process().children()
    stop_after(flag, 1.0)
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    assert run_supervised(python(program), flag, grace_seconds=0.3) == -signal.SIGKILL
    assert psutil.Process().children() == before


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_sets_the_flag_and_the_work_ends_where_it_looks(number: int, status: int) -> None:
    with stop_on_signals() as flag:
        flag.check()
        os.kill(os.getpid(), number)
        flag.nap(30, sleep=lambda seconds: pytest.fail("it slept on after the signal"))
        with pytest.raises(Interrupted) as stopped:
            flag.check()
        assert stopped.value.exit_status == status


def test_a_second_ctrl_c_ends_at_once() -> None:
    with stop_on_signals():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_former_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
