"""Signals set a flag, and the work ends where it looks."""

import os
import signal
from collections.abc import Iterator

import pytest

from jobs.stop import stop_on_signals
from pipeline.errors import Interrupted


@pytest.fixture
def not_under_nohup() -> Iterator[None]:
    """Let SIGHUP do what it does in a terminal, however the tests were started."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_sets_the_flag_and_the_work_ends_where_it_looks(
    number: int, status: int, not_under_nohup: None
) -> None:
    with stop_on_signals() as flag:
        flag.check()
        os.kill(os.getpid(), number)
        flag.nap(30, sleep=lambda seconds: pytest.fail("it slept on after the signal"))
        with pytest.raises(Interrupted) as stopped:
            flag.check()
        assert stopped.value.exit_status == status


def test_a_closed_terminal_ends_nothing_that_was_started_with_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as flag:
            os.kill(os.getpid(), signal.SIGHUP)
            flag.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_daemon_takes_sighup_as_a_wish_to_read_the_settings_again() -> None:
    with stop_on_signals(reloads=True) as flag:
        os.kill(os.getpid(), signal.SIGHUP)
        flag.nap(30, sleep=lambda seconds: pytest.fail("it slept on after the signal"))
        flag.check()
        assert flag.take_reload()
        assert not flag.take_reload()


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
