"""Signals set a flag, and the work ends where it looks."""

import os
import signal

import pytest

from jobs.stop import stop_on_signals
from pipeline.errors import Interrupted


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
