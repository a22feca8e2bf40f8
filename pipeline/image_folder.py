"""Where the images are, a folder of this machine or a URL; and the one way to read one of them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from pipeline.errors import BadImage
from pipeline.image_file import read_file
from pipeline.processors import usable_processors
from pipeline.records import FileState
from pipeline.remote.folder import THREADS, RemoteFolder
from pipeline.remote.opening import is_url
from pipeline.walk import file_state

ImageFolder = Path | RemoteFolder


def folder_named(text: str) -> ImageFolder:
    """Return what a path or URL names; that of a file system of this machine is a path, too."""
    if not is_url(text):
        return Path(text)
    if text.lower().startswith("file://"):
        return Path(unquote(text[len("file://") :]))
    return RemoteFolder(text)


def read_from(folder: ImageFolder, path: bytes, sha256: str | None = None) -> bytes:
    """Return the bytes of an image.

    Args:
        folder: where the images are.
        path: of the image, relative to the folder.
        sha256: of the content that is wanted, if that is known: a copy that was kept will do. The caller
            checks it, since the file may hold something else by now.

    Raises:
        BadImage: it cannot be read.
        ImagesUnreachable: the server does not answer, so nothing is said of the image.
    """
    if isinstance(folder, Path):
        return read_file(_place(folder, path))
    return folder.read(path, sha256)


def read_as_listed(folder: ImageFolder, seen: FileState) -> bytes | None:
    """Return the bytes of a file that is as a listing has told; None if it has changed or vanished since.

    Raises:
        BadImage: it is as it was, and cannot be read.
        ImagesUnreachable: the server does not answer.
    """
    if not isinstance(folder, Path):
        return folder.read_listed(seen)
    try:
        data = read_file(_place(folder, seen.path))
    except BadImage:
        if is_as_seen(folder, seen):
            raise
        return None
    return data if is_as_seen(folder, seen) else None


def those_as_seen(folder: ImageFolder, files: Sequence[FileState]) -> list[FileState]:
    """Return the files that have the stat that they were seen with; a server is asked for several at once.

    Raises:
        ImagesUnreachable: the server does not answer.
    """
    with ThreadPoolExecutor(reading_threads(folder)) as pool:
        found = pool.map(partial(is_as_seen, folder), files)
        return [file for file, same in zip(files, found, strict=True) if same]


def is_as_seen(folder: ImageFolder, seen: FileState) -> bool:
    """Return whether a file has the stat that it was seen with.

    Raises:
        ImagesUnreachable: the server does not answer.
    """
    if not isinstance(folder, Path):
        return folder.is_as_seen(seen)
    try:
        return file_state(seen.path, os.stat(_place(folder, seen.path))) == seen  # noqa: PTH116
    except OSError:
        return False


def reading_threads(folder: ImageFolder) -> int:
    """Return how many images are read and decoded at once."""
    return usable_processors() if isinstance(folder, Path) else max(THREADS, usable_processors())


def _place(folder: Path, path: bytes) -> bytes:
    return os.fsencode(folder) + b"/" + path
