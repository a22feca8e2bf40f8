"""The space on a disk, and errors that come from a lack of it."""

import errno
import shutil
from pathlib import Path

from pipeline.errors import DiskFull, SaveFailed

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
NEARLY_NOTHING = 1 << 20  # bytes: MXNet says only that a write failed, which means a full disk below this


def free_bytes(path: Path) -> int:
    """Return how much may still be written on the disk of `path`, whether that exists yet or not.

    Raises:
        OSError: the disk does not answer.
    """
    present = path.absolute()
    while not present.exists() and present != present.parent:
        present = present.parent
    return shutil.disk_usage(present).free


def save_failed(path: Path, error: Exception) -> SaveFailed:
    """Return the error to raise where `path` could not be written; DiskFull where space was lacking."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else last_line(error)
    try:
        free = free_bytes(path)
    except OSError:
        return SaveFailed(f"{path} cannot be written: {reason}; check its disk")
    if getattr(error, "errno", None) in NO_SPACE or free < NEARLY_NOTHING:
        return DiskFull(
            f"{path} cannot be written: {reason} ({in_words(free)} free); free some space on its disk"
        )
    return SaveFailed(f"{path} cannot be written: {reason}; mend that, or choose another folder")


def last_line(error: Exception) -> str:
    """Return what an error says; of MXNet's, which hold a traceback of C++, the last line."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()


def full_disk(error: BaseException) -> DiskFull | None:
    """Return the error to raise in place of one of the system that means a full disk; None for any other."""
    if not isinstance(error, OSError) or error.errno not in NO_SPACE:
        return None
    where = f" to write {error.filename}" if error.filename else ""
    return DiskFull(f"there is no space on the disk{where} ({error.strerror}): free some and try again")


def in_words(size: int) -> str:
    """Return a number of bytes as people read it, such as 12.3 MB; rounded, in units of 1000."""
    if size < 1000:
        return f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
