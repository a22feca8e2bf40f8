"""One writer for each home: a kernel lock, so a dead owner frees it."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.orm import Session, sessionmaker

from pipeline.errors import HomeLost, Locked


@dataclass(frozen=True)
class Held:
    """A lock that this process holds: a file, and which one it was."""

    lock_file: Path
    which: tuple[int, int]  # device and inode

    def require(self) -> None:
        """Check that the file is still the one that is locked.

        Raises:
            HomeLost: it is not, so another process could hold "the" lock too.
        """
        try:
            which = _which(self.lock_file)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise HomeLost(f"{self.lock_file} is gone: was its folder moved?") from error
        except OSError:
            return  # a disk that does not answer says nothing about the lock
        if which != self.which:
            raise HomeLost(f"somebody has replaced {self.lock_file}: start again, and leave that file alone")

    def renew(self) -> None:
        """Do nothing: a kernel lock has nothing to do with a database that was put back."""

    def fence(self, sessions: sessionmaker[Session]) -> sessionmaker[Session]:
        """Return the sessions as they are: a kernel lock is not lost while its process lives."""
        return sessions


@contextmanager
def hold(lock_file: Path, purpose: str) -> Iterator[Held]:
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
        yield Held(lock_file, _which(lock_file))
    finally:
        _owner_file(lock_file).unlink(missing_ok=True)
        lock.release()


def _which(file: Path) -> tuple[int, int]:
    state = file.stat()
    return state.st_dev, state.st_ino


def _owner_file(lock_file: Path) -> Path:
    return lock_file.with_suffix(".owner")


def _owner(lock_file: Path) -> str:
    try:
        owner = json.loads(_owner_file(lock_file).read_text())
        who = f"{owner['purpose']}, process {owner['pid']}, since {owner['since']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return f"{lock_file.parent} is in use by {who}"
