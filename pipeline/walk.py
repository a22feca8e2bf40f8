"""List the files of the class folders with one `stat` each, whatever is linked to where."""

import os
import stat
from collections.abc import Iterable, Iterator

from pipeline.image_file import why_unreadable
from pipeline.layout import SPLITS, Layout, is_ignored
from pipeline.records import FileState, Quarantined

Identity = tuple[int, int]  # device and inode: the same folder under any name


def walk(layout: Layout) -> Iterator[FileState | Quarantined]:
    """Yield each file below the class folders as it stands, not yet read, in no certain order.

    A link to a file counts as a file. A link to a folder is followed, but never to a folder that this class
    has already passed, nor to another class or the image folder: so loops end, and no image gets a second
    label through a link. A link to nothing is yielded with its problem; pipes, sockets and devices are
    skipped; a folder that cannot be listed is yielded as `Quarantined`.
    """
    root = os.fsencode(layout.folder)
    class_folders = [os.fsencode(name) for name in layout.class_folders]
    parents = [b"", *(map(os.fsencode, SPLITS) if layout.split_folders else ())]
    off_limits = set(_identities(root, [*parents, *class_folders]))
    for class_folder in class_folders:
        yield from _walk_class(root, class_folder, set(off_limits))


def file_state(path: bytes, status: os.stat_result, problem: str | None = None) -> FileState:
    """Return what `stat` tells of a file that has not been read."""
    return FileState(
        path=path,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        inode=status.st_ino,
        sha256=None,
        width=None,
        height=None,
        problem=problem,
    )


def _identities(root: bytes, folders: Iterable[bytes]) -> Iterator[Identity]:
    for folder in folders:
        try:
            status = os.stat(root + b"/" + folder)  # noqa: PTH116 - paths are bytes
        except OSError:
            continue  # the listing will tell
        yield status.st_dev, status.st_ino


def _walk_class(root: bytes, class_folder: bytes, passed: set[Identity]) -> Iterator[FileState | Quarantined]:
    waiting = [class_folder]
    while waiting:
        folder = waiting.pop()
        subfolders = []
        try:
            for path, status, problem in _list(root, folder):
                if problem or stat.S_ISREG(status.st_mode):
                    yield file_state(path, status, problem)
                elif stat.S_ISDIR(status.st_mode):
                    subfolders.append((path, (status.st_dev, status.st_ino)))
        except OSError as error:
            yield Quarantined(folder, why_unreadable(error))
        for path, identity in sorted(subfolders, reverse=True):
            if identity not in passed:
                passed.add(identity)
                waiting.append(path)


def _list(root: bytes, folder: bytes) -> Iterator[tuple[bytes, os.stat_result, str | None]]:
    """Yield path and status of all that lies in a folder; for a link that leads nowhere, also why."""
    with os.scandir(root + b"/" + folder) as listing:
        for entry in listing:
            if is_ignored(entry.name):
                continue
            path = folder + b"/" + entry.name
            try:
                yield path, entry.stat(), None
            except OSError as error:
                if entry.is_symlink():
                    missing = isinstance(error, FileNotFoundError)
                    problem = "a link to nothing" if missing else why_unreadable(error)
                    yield path, entry.stat(follow_symlinks=False), problem
                elif not isinstance(error, FileNotFoundError):  # which means: removed just now
                    raise
