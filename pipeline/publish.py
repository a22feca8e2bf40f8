"""Files that appear whole or not at all: written beside, synced, then renamed."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pipeline.disk import save_failed


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part.

    Raises:
        SaveFailed: the file cannot be written; DiskFull if that is for want of space.
    """
    with writing_whole(path) as file:
        file.write(data)


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which gets its name `path` when the block has ended well.

    Raises:
        SaveFailed: it cannot be written, or the block raised OSError; DiskFull if that is for want of space.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise save_failed(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync_file(path: Path) -> None:
    """Make sure that the content of a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# On Linux a folder is synced like a file; this makes a rename in it durable.
sync_folder = sync_file


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
