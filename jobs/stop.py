"""Stop when a signal asks for it: a handler sets a plain flag, the work looks at it between batches."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import Interrupted


class StopFlag:
    """The number of the signal that asked to stop, None until then."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.reload = False  # whether SIGHUP has asked for the settings to be read again

    def take_reload(self) -> bool:
        """Return whether the settings are to be read again, and take that as done."""
        asked, self.reload = self.reload, False
        return asked

    def check(self) -> None:
        """Go on, or raise Interrupted if a signal has come."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)

    def nap(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Sleep, but return within a fifth of a second after a signal."""
        end = time.monotonic() + seconds
        while self.signal_number is None and not self.reload and (left := end - time.monotonic()) > 0:
            sleep(min(0.2, left))

    def nap_or_stop(self, seconds: float) -> None:
        """Sleep, or raise Interrupted if a signal has come."""
        self.nap(seconds)
        self.check()


@contextmanager
def stop_on_signals(*, reloads: bool = False) -> Iterator[StopFlag]:
    """Let SIGINT, SIGTERM and SIGHUP set the flag; a second SIGINT ends the process at once, as usual.

    Where `reloads`, SIGHUP asks for the settings to be read again. Else the terminal was closed; who started
    the process with `nohup` does not want it to end by that.
    """
    flag = StopFlag()

    def handler(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP and reloads:
            flag.reload = True
            return
        if flag.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        flag.signal_number = number

    numbers = [signal.SIGINT, signal.SIGTERM]
    if reloads or signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield flag
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
