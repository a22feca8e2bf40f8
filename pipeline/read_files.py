"""Read the files that a scan found to be new or changed: hash, decode, measure."""

import hashlib
import itertools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from pipeline.decode import BadImage, read_image
from pipeline.image_folder import ImageFolder, read_as_listed, reading_threads
from pipeline.perceptual_hash import perceptual_hash
from pipeline.records import FileState

FILES_AT_ONCE = 256  # waiting for a thread

# A file as it was seen, and what was read; None if it changed or vanished while it was read.
Reading = tuple[FileState, FileState | None]
# Reads files of a folder, in any order; closed early, it reads no more.
ReadFiles = Callable[[ImageFolder, Sequence[FileState]], Generator[Reading, None, None]]


def read_files(folder: ImageFolder, files: Sequence[FileState]) -> Generator[Reading, None, None]:
    """Read files in threads, a bounded number at once, in their order."""
    rest = iter(files)
    with ThreadPoolExecutor(reading_threads(folder)) as pool:
        try:
            while some := list(itertools.islice(rest, FILES_AT_ONCE)):
                yield from zip(some, pool.map(partial(_read, folder), some), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def _read(folder: ImageFolder, seen: FileState) -> FileState | None:
    """Hash and decode one file; None if it changed or vanished while it was read."""
    try:
        data = read_as_listed(folder, seen)
    except BadImage as error:
        return replace(seen, problem=str(error))
    if data is None:
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
