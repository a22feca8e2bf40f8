"""What a scan begins with and what it finds."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.layout import Layout
from pipeline.records import FileState, Quarantined


@dataclass(frozen=True)
class Index:
    """What earlier scans have found, by folder, so that an unchanged folder costs one comparison."""

    # Of each folder that has known files: its digest when all in it was known, None if not all was.
    digests: Mapping[bytes, str | None]
    files_in: Callable[[bytes], Mapping[bytes, FileState]]  # the known files directly in a folder, by path


NOTHING_KNOWN = Index({}, lambda folder: {})


@dataclass(frozen=True)
class ScanResult:
    """What a look at the image folder found to be other than the index says."""

    layout: Layout
    new: int
    changed_files: tuple[FileState, ...]  # new and changed, sorted by path: what has to be saved
    gone_paths: tuple[bytes, ...]
    settling: tuple[bytes, ...]  # being written, or too young to be sure that they are not
    unreadable_folders: tuple[Quarantined, ...]  # their known files are neither changed nor gone
    digests: Mapping[bytes, str | None]  # of the folders that are not as in the index, to be saved with them
    digest: str | None  # over all listings; None if some file or folder could not be looked at
    complete: bool = True  # False if the scan was stopped: files that were not read yet are in no list

    @property
    def changed(self) -> int:
        """The number of known files that have changed."""
        return len(self.changed_files) - self.new


def settled_files(known: Iterable[FileState], scanned: ScanResult) -> list[FileState]:
    """Return all files that a complete scan has found to be settled, sorted by path.

    Args:
        known: all files of the index, with or without what the scan has found.
        scanned: the result of the scan.
    """
    other = {*scanned.gone_paths, *scanned.settling, *(file.path for file in scanned.changed_files)}
    unreadable = tuple(folder.path + b"/" for folder in scanned.unreadable_folders)
    kept = (file for file in known if file.path not in other and not file.path.startswith(unreadable))
    return sorted(itertools.chain(kept, scanned.changed_files), key=lambda file: file.path)
