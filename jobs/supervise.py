"""Run a command as a process of its own and stay responsible for it."""

import subprocess
from collections.abc import Sequence

from jobs.stop import StopFlag

POLL_SECONDS = 0.2
GRACE_SECONDS = 10.0  # a batch and the records fit in it; then the process is killed


def run_supervised(command: Sequence[str], flag: StopFlag, *, grace_seconds: float = GRACE_SECONDS) -> int:
    """Run `command` until it ends, or until the flag is set: then ask it to stop, and kill it if it does not.

    The process gets its own session, so a Ctrl-C in the terminal reaches only us, and we pass it on once.

    Returns:
        Its exit status; negative the number of the signal that ended it.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    while flag.signal_number is None:
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.terminate()
    try:
        return process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
