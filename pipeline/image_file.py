"""Read a file that somebody else put into a folder: never a device, never endlessly."""

import errno
import os
import stat
from pathlib import Path

from pipeline.errors import BadImage

MAX_FILE_BYTES = 64 * 2**20
_REASONS = {
    errno.ENOENT: "vanished",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "a link to itself",
}


def read_file(path: bytes | Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a regular file; a symbolic link to one is followed.

    Raises:
        BadImage: it cannot be read, is not a regular file or has more than `max_bytes` bytes.
    """
    try:
        # Asked before opening, since opening some devices does something to them; and again after it,
        # since the file may have been replaced by a pipe, which without O_NONBLOCK would wait for a writer.
        _check_regular(Path(os.fsdecode(path)).stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _check_regular(status)
            # One byte more than it should have tells that it has grown; to ask for far more would be slow.
            data = file.read(min(status.st_size, max_bytes) + 1)
    except OSError as error:
        raise BadImage(why_unreadable(error)) from None
    if len(data) > max_bytes:
        raise BadImage(f"larger than {max_bytes // 2**20} MiB")
    return data


def why_unreadable(error: OSError) -> str:
    """Return the reason for the quarantine of a file or folder that the operating system refuses."""
    return _REASONS.get(error.errno or 0) or (error.strerror or "unreadable").lower()


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BadImage("not a regular file")
