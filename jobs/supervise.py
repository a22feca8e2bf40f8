"""Run a command as a process of its own and stay responsible for it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.watching.child import Child

POLL_SECONDS = 0.2
GRACE_SECONDS = 10.0  # a batch and the records fit in it; then the process is killed


@dataclass(frozen=True)
class ChildEnd:
    """How a child process ended."""

    status: int | None  # its exit status; negative: the signal that ended it; None: not even a kill ended it
    why: str | None  # why it was made to end; None: it ended by itself
    output: str  # the end of its standard output
    errors: str  # the end of its standard error


def run_supervised(
    command: Sequence[str],
    each_turn: Callable[[int], str | None],
    *,
    grace_seconds: float = GRACE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> ChildEnd:
    """Run `command` until it ends, or until there is a reason: then ask it to stop, and at last kill it.

    When this returns or raises, no process is left of it, unless the kernel holds one.

    Args:
        command: the program and its arguments.
        each_turn: called a few times a second with the child's process number, also while it is asked to
            stop; returns why it must end, or None.
        grace_seconds: from the request to the kill.
        sleep: takes the seconds between two turns.
    """
    child = Child(command)
    why, status = None, None
    try:
        while not child.has_ended() and (why := each_turn(child.pid)) is None:
            sleep(POLL_SECONDS)
        if why is not None:
            child.ask_to_stop()
            end = time.monotonic() + grace_seconds
            while not child.has_ended() and time.monotonic() < end:
                each_turn(child.pid)
                sleep(POLL_SECONDS)
    finally:
        if not child.has_ended():
            child.kill()
        status = child.close()
    return ChildEnd(status, why, child.output.text, child.errors.text)
