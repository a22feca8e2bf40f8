"""What may be wrong around a home: who may write in it, and whether the clock can be believed."""

import ctypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from jobs.examination.check import Check
from jobs.home import Home

ROOT = 0
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
TIMEX_BYTES = 512  # more than the structure has on any Linux


def examine_permissions(home: Home, user: int | None = None) -> list[Check]:
    """Return whether only its owner can read and change the home; `user` asks, by default our own id."""
    if not home.folder.is_dir():
        return []
    found = [*_foreign(home, os.getuid() if user is None else user), *_open(home)]
    return found or [Check("permissions", "ok", f"only its owner can read and change {home.folder}")]


def clock_check(state: int | None) -> Check:
    """Return whether the kernel takes its clock for right; `state` is what adjtimex says, if anything."""
    if state == UNSYNCHRONISED:
        mend = "run `timedatectl set-ntp true`, or let the host of the container do it"
        return Check("clock", "warning", f"no time server keeps the clock right; {mend}")
    if state is None:
        return Check("clock", "ok", "the kernel does not say whether its clock is right")
    return Check("clock", "ok", "the clock is kept right by a time server")


def clock_state() -> int | None:
    """Ask the kernel; nothing is changed."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    except (OSError, AttributeError):  # another system than Linux
        return None


def _foreign(home: Home, user: int) -> Iterator[Check]:
    owner = home.folder.stat().st_uid
    if user != owner and ROOT not in (user, owner):
        message = f"home {home.folder} belongs to another user (id {owner}), who can change all that is in it"
        yield Check("permissions", "warning", f"{message}; run as that user, or choose another --home")


def _open(home: Home) -> Iterator[Check]:
    mode = stat.S_IMODE(home.folder.stat().st_mode)
    if mode & 0o077 == 0:
        return  # nobody else comes as far as the files
    for path in (home.folder, *_important(home)):
        if path.stat().st_mode & stat.S_IWOTH:
            message = f"every user of this machine may change {path}"
            yield Check("permissions", "problem", f"{message}; run `chmod -R go-w {home.folder}`")
            return
    message = f"other users of this machine can read what is in {home.folder} (mode {mode:o})"
    yield Check("permissions", "warning", f"{message}; run `chmod 700 {home.folder}` unless you mean it")


def _important(home: Home) -> list[Path]:
    """Return what decides: settings, records, models and weights."""
    fixed = [home.settings_file, home.folder / "whisker.db", home.models, home.weights]
    inside = [path for folder in (home.models, home.weights) for path in folder.glob("*")]
    return [path for path in (*fixed, *inside) if path.exists() and not path.is_symlink()]
