"""What a store says of its objects, and what every store can do."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.records import FileState


@dataclass(frozen=True, slots=True)
class Entry:
    """One object, or what the names of several have in common up to a slash: a folder."""

    name: str  # within its folder; bytes that are not UTF-8 as `os.fsdecode` gives them
    folder: bool = False
    size: int = 0  # bytes; 0 where it is not told
    mtime_ns: int = 0  # 0 where it is not told
    version: int = 0  # see `version_number`; 0 where the store tells none
    problem: str | None = None  # why it cannot be used, where that is known already

    def is_dir(self) -> bool:
        """Return whether it is a folder, as `os.DirEntry` does."""
        return self.folder

    def is_file(self) -> bool:
        """Return whether it is an object, as `os.DirEntry` does."""
        return not self.folder

    def is_same(self, seen: FileState) -> bool:
        """Return whether this is the version of an object that a listing has told of.

        A listing may tell the time more precisely than the answer with the content does, and no size.
        """
        if seen.size and self.size != seen.size:
            return False
        if self.version and seen.inode:
            return self.version == seen.inode
        return self.mtime_ns // 10**9 == seen.mtime_ns // 10**9


class Store(Protocol):
    """Objects below one URL. Paths are relative to it; "" is the URL itself."""

    def pages(self, folder: str) -> Iterator[Sequence[Entry]]:
        """Yield what lies directly in a folder, some at a time; raises `Trouble`."""
        ...

    def read(self, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        """Return an object with what the store says of this very content; raises `Trouble`."""
        ...

    def look(self, path: str) -> Entry:
        """Return what the store says of an object; raises `Trouble`."""
        ...


def version_number(token: object) -> int:
    """Return 64 bits that stand for a version: of the entity tag, or whatever a store gives in its place."""
    return int.from_bytes(hashlib.sha256(str(token).encode()).digest()[:8], "big") or 1
