"""List the class folders, each file with one `stat`, whatever is linked to where."""

import hashlib
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.image_file import why_unreadable
from pipeline.layout import SPLITS, Layout, is_ignored
from pipeline.records import FileState, Quarantined

Identity = tuple[int, int]  # device and inode: the same folder under any name
_STAT = struct.Struct("<IQqqQ")  # mode, size, mtime_ns, ctime_ns, inode: small, since folders can be large
packed = _STAT.pack


@dataclass(frozen=True)
class Listing:
    """What lies directly in one folder.

    A file is an object of Python only once somebody asks for it: of a million unchanged files, none is.
    """

    folder: bytes  # relative to the image folder
    digest: str  # over the names and stats of all entries: another one as soon as a file has changed
    entries: tuple[tuple[bytes, bytes], ...]  # name and packed stat, in the order of the file system
    problems: Mapping[bytes, str] = field(default_factory=dict)  # of links that lead nowhere, by name

    def files(self) -> Iterator[FileState]:
        """Yield the files that count, as they stand, not yet read."""
        for name, packed in self.entries:
            mode, size, mtime_ns, ctime_ns, inode = _STAT.unpack(packed)
            problem = self.problems.get(name)
            if is_ignored(name) or not (problem or stat.S_ISREG(mode)):
                continue
            path = self.folder + b"/" + name
            yield FileState(path, size, mtime_ns, ctime_ns, inode, None, None, None, problem)


def walk(layout: Layout) -> Iterator[Listing | Quarantined]:
    """Yield the listing of each folder in the class folders, in no certain order.

    A link to a file counts as a file. A link to a folder is followed, but never to a folder that this class
    has already passed, nor to another class or the image folder: so loops end, and no image gets a second
    label through a link. A link to nothing is a file with its problem; pipes, sockets and devices are
    skipped; a folder that cannot be listed is yielded as `Quarantined`.
    """
    assert isinstance(layout.folder, Path), "a URL is listed by `pipeline.remote.walk`"
    root = os.fsencode(layout.folder)
    class_folders = [os.fsencode(name) for name in layout.class_folders]
    parents = [b"", *(map(os.fsencode, SPLITS) if layout.split_folders else ())]
    off_limits = set(_identities(root, [*parents, *class_folders]))
    for class_folder in class_folders:
        yield from _walk_class(root, class_folder, set(off_limits))


def file_state(path: bytes, status: os.stat_result) -> FileState:
    """Return what `stat` tells of a file that has not been read."""
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return FileState(path, status.st_size, *times, status.st_ino, None, None, None, None)


def listing_of(folder: bytes, entries: list[tuple[bytes, bytes]], problems: Mapping[bytes, str]) -> Listing:
    """Return the listing of a folder with these names and packed stats."""
    return Listing(folder, _digest(entries, problems), tuple(entries), problems)


def _identities(root: bytes, folders: Iterable[bytes]) -> Iterator[Identity]:
    for folder in folders:
        try:
            status = os.stat(root + b"/" + folder)  # noqa: PTH116 - paths are bytes
        except OSError:
            continue  # the listing will tell
        yield status.st_dev, status.st_ino


def _walk_class(root: bytes, class_folder: bytes, passed: set[Identity]) -> Iterator[Listing | Quarantined]:
    waiting = [class_folder]
    while waiting:
        folder = waiting.pop()
        try:
            listing, subfolders = _list(root, folder)
        except OSError as error:
            yield Quarantined(folder, why_unreadable(error))
            continue
        yield listing
        for path, identity in sorted(subfolders, reverse=True):
            if identity not in passed:
                passed.add(identity)
                waiting.append(path)


def _list(root: bytes, folder: bytes) -> tuple[Listing, list[tuple[bytes, Identity]]]:
    """Return what lies in a folder, and its sub-folders, with one `stat` of each entry.

    This is the one loop whose length is the number of files, so it makes nothing that it does not need.
    """
    entries, subfolders, problems = [], [], {}
    with os.scandir(root + b"/" + folder) as found:
        for entry in found:
            name = entry.name
            try:
                status = entry.stat()
            except OSError as error:
                problem = _problem_of_link(entry, error)
                if problem is None:
                    continue
                problems[name], status = problem, entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                if not is_ignored(name):
                    subfolders.append((folder + b"/" + name, (status.st_dev, status.st_ino)))
                continue
            times = (status.st_mtime_ns, status.st_ctime_ns)
            entries.append((name, packed(status.st_mode, status.st_size, *times, status.st_ino)))
    return listing_of(folder, entries, problems), subfolders


def _problem_of_link(entry: os.DirEntry[bytes], error: OSError) -> str | None:
    """Return why a link leads nowhere, None for a file that was removed just now; raise on otherwise."""
    missing = isinstance(error, FileNotFoundError)
    if entry.is_symlink():
        return "a link to nothing" if missing else why_unreadable(error)
    if missing:
        return None
    raise error


def _digest(entries: list[tuple[bytes, bytes]], problems: Mapping[bytes, str]) -> str:
    """Return the digest of a listing; each stat has the same length and no name holds a zero byte."""
    digest = hashlib.sha256(b"\0".join([part for entry in entries for part in entry]))
    digest.update(repr(sorted(problems.items())).encode())
    return digest.hexdigest()
