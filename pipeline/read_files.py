"""Read the files that a scan found to be new or changed: hash, decode, measure."""

import hashlib
import itertools
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.decode import BadImage, read_file, read_image
from pipeline.perceptual_hash import perceptual_hash
from pipeline.processors import usable_processors
from pipeline.records import FileState
from pipeline.walk import file_state

FILES_AT_ONCE = 256  # waiting for a thread

# A file as it was seen, and what was read; None if it changed or vanished while it was read.
Reading = tuple[FileState, FileState | None]
# Reads files of a folder, in any order; closed early, it reads no more.
ReadFiles = Callable[[bytes, Sequence[FileState]], Generator[Reading, None, None]]


def read_files(root: bytes, files: Sequence[FileState]) -> Generator[Reading, None, None]:
    """Read files in threads, a bounded number at once, in their order."""
    rest = iter(files)
    with ThreadPoolExecutor(usable_processors()) as pool:
        try:
            while some := list(itertools.islice(rest, FILES_AT_ONCE)):
                yield from zip(some, pool.map(partial(_read, root), some), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def is_as_seen(root: bytes, seen: FileState) -> bool:
    """Return whether a file has the stat that it was seen with."""
    try:
        return file_state(seen.path, Path(os.fsdecode(root + b"/" + seen.path)).stat()) == seen
    except OSError:
        return False


def _read(root: bytes, seen: FileState) -> FileState | None:
    """Hash and decode one file; None if it changed or vanished while it was read."""
    try:
        data = read_file(root + b"/" + seen.path)
    except BadImage as error:
        return replace(seen, problem=str(error)) if is_as_seen(root, seen) else None
    if not is_as_seen(root, seen):
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        image = read_image(data)
    except BadImage as error:
        return replace(seen, sha256=sha256, problem=str(error))
    return replace(
        seen,
        sha256=sha256,
        width=image.width,
        height=image.height,
        fingerprint=perceptual_hash(image),
    )
