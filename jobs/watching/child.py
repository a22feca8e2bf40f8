"""A command as a child process: its output, and its end together with all that it has started."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

from jobs.watching.process_tree import DAEMON_VARIABLE, children, kill_orphans

SECONDS_TO_DIE = 10.0  # after SIGKILL; what takes longer is held by the kernel
KEPT_BYTES = 1_000_000  # of each output: that of one cycle is far smaller


class Child:
    """A running command in a session of its own, so that a Ctrl-C in the terminal does not reach it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._others = children()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, DAEMON_VARIABLE: str(os.getpid())},
            start_new_session=True,
        )
        assert self._process.stdout is not None, "it is a pipe"
        assert self._process.stderr is not None, "it is a pipe"
        self.output = Pipe(self._process.stdout, shown=False)
        self.errors = Pipe(self._process.stderr, shown=True)

    @property
    def pid(self) -> int:
        """The process number; also that of its process group."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Return whether it has ended; take what it has written. It is not reaped, so its number stays."""
        self.output.read()
        self.errors.read()
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process itself, which also one hears that was frozen."""
        os.kill(self.pid, signal.SIGTERM)
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL to its process group, and wait a while for its end."""
        os.killpg(self.pid, signal.SIGKILL)
        end = time.monotonic() + SECONDS_TO_DIE
        while not self.has_ended() and time.monotonic() < end:
            time.sleep(0.01)

    def close(self) -> int | None:
        """End what it has left behind; return its exit status (negative: a signal), None if it still runs."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        status = self._process.wait() if self.has_ended() else None
        kill_orphans(self._others | {self.pid})
        self.output.close()
        self.errors.close()
        return status


class Pipe:
    """What a child writes: the end of it is kept, and all of it passed on to our standard error if `shown`.

    Never waits, neither for the child nor for a process of its own that keeps the pipe open.
    """

    def __init__(self, file: IO[bytes], *, shown: bool) -> None:
        self._file, self._shown, self._kept = file, shown, b""
        os.set_blocking(file.fileno(), False)

    def read(self) -> None:
        """Take what is there, at most one pipe full: who writes without end must not hold us."""
        try:
            part = os.read(self._file.fileno(), 65_536)
        except BlockingIOError:
            return
        self._kept = (self._kept + part)[-KEPT_BYTES:]
        if self._shown and part:
            with contextlib.suppress(OSError, ValueError):  # ours may be closed
                sys.stderr.buffer.write(part)
                sys.stderr.buffer.flush()

    def close(self) -> None:
        """Take the rest and let go."""
        self.read()
        self._file.close()

    @property
    def text(self) -> str:
        """The end of what was written."""
        return self._kept.decode("utf-8", "replace")
