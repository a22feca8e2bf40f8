"""Places at which a test lets the process die, so that what a crash leaves there can be looked at.

`WHISKER_FAILPOINT=NAME:ACTION` acts when the place is reached first, `NAME@N:ACTION` when it is reached for
the N-th time; in daily use the variable is not set, and a place costs one look at the environment.

    kill    SIGKILL to this process: a power loss, as far as a process can have one
    stop    SIGSTOP: it hangs
    term    SIGTERM: it is asked to end
    raise   OSError, as a full disk gives it
"""

import errno
import os
import signal

VARIABLE = "WHISKER_FAILPOINT"
NAMES = (
    "after_scan",
    "after_cycle_row",
    "after_snapshot",
    "after_run_row",
    "in_features",  # a batch of the frozen pass
    "in_chunk",  # a file, or a batch, of a chunk that a worker has claimed
    "in_epoch",  # a batch of a training of all layers
    "after_checkpoint",
    "after_epoch_row",
    "before_model_rename",
    "after_model_rename",
    "after_run_finished",
    "after_promotion",  # it is in the database, with the verdict
    "before_champion_link",
    "after_pictures",
    "in_baseline",  # its run is recorded, and it has not begun
    "before_report",
    "after_report",
    "in_repair",
    "after_backup",
)
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}

_reached: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Act if the environment names this place.

    Raises:
        OSError: that is the action.
        ValueError: the environment names a place or an action that there is not.
    """
    armed = os.environ.get(VARIABLE)
    if armed is None:
        return
    place, count, action = _parsed(armed)
    if place == name:
        _reached[name] = _reached.get(name, 0) + 1
        if _reached[name] == count:
            _act(name, action)


def _parsed(armed: str) -> tuple[str, int, str]:
    place, _, action = armed.partition(":")
    name, _, count = place.partition("@")
    if name not in NAMES or action not in (*SIGNALS, "raise"):
        raise ValueError(f"{VARIABLE}={armed!r} names no failpoint; see {__file__}")
    return name, int(count or 1), action


def _act(name: str, action: str) -> None:
    if action == "raise":
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)} (failpoint {name})")
    os.kill(os.getpid(), SIGNALS[action])
