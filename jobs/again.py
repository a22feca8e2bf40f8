"""Start the command of this process again in its place."""

import contextlib
import logging
import os
import sys
from pathlib import Path

log = logging.getLogger("whisker")

COUNT = "WHISKER_STARTED_AGAIN"
MOST_TIMES = 6  # for the fine-tuning and for the baseline each from a whole batch to an eighth of it


def started_again() -> bool:
    """Return whether this process has taken the place of one whose memory ran out."""
    return COUNT in os.environ


def start_again(reason: str) -> None:
    """Become a new process of the same command, with the same pid, so that who watches it goes on watching.

    A process whose memory ran out, on the host or on a GPU, cannot be trusted any more. Returns only if that
    cannot be done, or was done too often. Locks must have been released.
    """
    times = int(os.environ.get(COUNT, "0"))
    if times >= MOST_TIMES:
        return
    log.warning("%s; so this command starts again, in a new process", reason)
    os.environ[COUNT] = str(times + 1)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    _close_files_on_exec()
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except OSError as error:
        log.warning("that failed: %s", error)


def _close_files_on_exec() -> None:
    """Let no file of a library stay open in the new process, such as that of a GPU; Python's own never do."""
    for name in Path("/dev/fd").iterdir():
        if int(name.name) > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name.name), False)
