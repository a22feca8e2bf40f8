"""What the kernel is asked for, so that no process of a cycle outlives it, nor a cycle its daemon.

On Linux only; elsewhere these functions do nothing, and a process group is all that can be ended.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from jobs.watching.process_identity import fields_of_stat

DAEMON_VARIABLE = "_WHISKER_DAEMON"  # of a child's environment: the daemon's process number
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # from linux/prctl.h


def adopt_orphans() -> None:
    """Become the parent of each descendant whose own parent dies, so that `kill_orphans` finds it.

    A process group is not enough: what checks devices runs in a session of its own.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> set[int]:
    """Return the process numbers of our children."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int(fields_of_stat(int(folder.name))[1]) == os.getpid():
                found.add(int(folder.name))
    return found


def kill_orphans(ours: set[int], *, seconds: float = 5.0) -> int:
    """Kill all children but `ours`, and what becomes our child by that; return how many there were.

    Gives up on those that do not end in time: the kernel holds them, for instance in a driver.
    """
    end, killed = time.monotonic() + seconds, set()
    while (orphans := children() - ours) and time.monotonic() < end:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        killed |= orphans
        time.sleep(0.01)
    return len(killed)


def die_with_the_daemon() -> None:
    """Have the kernel kill this process when the daemon that started it dies, if one did.

    A kill, since a process that hangs would not hear a request; what it leaves, the next start repairs.
    Called by the child itself: code between fork and exec is not safe in a process with threads.
    """
    daemon = os.environ.get(DAEMON_VARIABLE, "")
    if not daemon:
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if str(os.getppid()) != daemon:  # it died before that was asked for
        os.kill(os.getpid(), signal.SIGKILL)


def cpu_ticks(pid: int) -> int | None:
    """Return the processor time that a process has used so far; None where that cannot be read."""
    try:
        fields = fields_of_stat(pid)
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError):
        return None


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
