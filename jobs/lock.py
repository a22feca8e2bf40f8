"""One writer for each home: a kernel lock, so a dead owner frees it."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import Locked


@contextmanager
def hold(lock_file: Path, purpose: str) -> Iterator[None]:
    """Hold the lock while the block runs; who holds it stands in a file beside it.

    Raises:
        Locked: another process holds it; the message names its pid.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Locked(f"{_owner(lock_file)}; wait until it has ended, or stop it") from None
    try:
        with contextlib.suppress(OSError):  # a full disk; what there is to say to others is not worth an end
            _owner_file(lock_file).write_text(
                json.dumps({"pid": os.getpid(), "purpose": purpose, "since": datetime.now(UTC).isoformat()})
            )
        yield
    finally:
        _owner_file(lock_file).unlink(missing_ok=True)
        lock.release()


def _owner_file(lock_file: Path) -> Path:
    return lock_file.with_suffix(".owner")


def _owner(lock_file: Path) -> str:
    try:
        owner = json.loads(_owner_file(lock_file).read_text())
        who = f"{owner['purpose']}, process {owner['pid']}, since {owner['since']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return f"{lock_file.parent} is in use by {who}"
