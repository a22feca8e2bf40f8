"""An image folder that is not on this machine: a URL."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pipeline.errors import BadImage, ImagesUnreachable, NoImagesFolder
from pipeline.image_file import MAX_FILE_BYTES
from pipeline.records import FileState
from pipeline.remote.entries import Entry, Store
from pipeline.remote.object_cache import ObjectCache
from pipeline.remote.trouble import Busy, Passing, Patience, Refused, Trouble, Vanished

AWAY_SECONDS = 30.0  # for which a store that did not answer is not asked again
THREADS = 16  # that read at once: they wait for the network, not for a processor


@dataclass
class _Outage:
    """That a store did not answer one of those who read it: the others, who wait in a queue, need not ask."""

    until: float = 0.0
    error: ImagesUnreachable | None = None

    def check(self) -> None:
        if self.error and time.monotonic() < self.until:
            raise self.error

    def begin(self, error: ImagesUnreachable) -> ImagesUnreachable:
        self.until, self.error = time.monotonic() + AWAY_SECONDS, error
        return error


@dataclass(frozen=True)
class RemoteFolder:
    """Where images are: the objects whose names begin with that of a URL. They are only read.

    `FileState` holds of an object what the store tells: `mtime_ns` is when it was written and `inode` is a
    number that stands for its version (see `version_number`), each 0 where the store tells none; `ctime_ns`
    is 0.
    """

    url: str  # as `checked_url` gives it: without a slash at its end
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  # for fsspec: secret
    cache: ObjectCache | None = field(default=None, repr=False, compare=False)
    patience: Patience = field(default=Patience(), repr=False, compare=False)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemoteFolder":
        return replace(self, url=f"{self.url}/{name}")

    @cached_property
    def store(self) -> Store:
        """What lists and reads the objects; nothing is sent before it is used."""
        # Imported here, since most image folders are on this machine.
        from pipeline.remote.opening import open_store

        return open_store(self.url, self.options, self.patience)

    @cached_property
    def _outage(self) -> "_Outage":
        return _Outage()

    def entries(self) -> Iterator[Entry]:
        """Yield what lies directly below the URL.

        Raises:
            NoImagesFolder: there is nothing of this name, or it may not be listed.
            ImagesUnreachable: the store does not answer.
        """
        try:
            for page in self.store.pages(""):
                yield from page
        except Vanished:
            raise NoImagesFolder(
                f"the image folder {self} does not exist; correct its address, or make it"
            ) from None
        except Refused as error:
            raise NoImagesFolder(
                f"the image folder {self} cannot be read ({error}); correct its address, or the rights or "
                "credentials for it"
            ) from None
        except Passing as error:
            raise self.unreachable(error) from None

    def listing(self, folder: bytes, each_page: Callable[[], None]) -> Iterator[Entry]:
        """Yield what lies directly in a folder; `each_page` is called after each part of the listing.

        Raises:
            Vanished, Refused: it cannot be listed.
            ImagesUnreachable: the store does not answer.
        """
        try:
            for page in self.store.pages(os.fsdecode(folder)):
                yield from page
                each_page()
        except Passing as error:
            raise self.unreachable(error) from None

    def read_listed(self, seen: FileState) -> bytes | None:
        """Return an object as a listing has told of it; None if there is another one, or none, by now.

        Raises:
            BadImage: it cannot be read.
            ImagesUnreachable: the store does not answer.
        """
        version = "\n".join((self.url, os.fsdecode(seen.path), str(_stat_of(seen))))
        if self.cache and (kept := self.cache.version(version)):
            return kept[1]
        if seen.size > MAX_FILE_BYTES:
            raise BadImage(f"larger than {MAX_FILE_BYTES // 2**20} MiB")
        try:
            entry, data = self._get(seen.path)
        except Vanished:
            return None
        if not entry.is_same(seen):
            return None
        if self.cache:
            self.cache.keep(data, version)
        return data

    def read(self, path: bytes, sha256: str | None) -> bytes:
        """Return an object, whatever it is by now, or a copy of the content with this hash.

        Raises:
            BadImage: it cannot be read.
            ImagesUnreachable: the store does not answer.
        """
        if sha256 is None:
            return self._read_now(path)
        if self.cache and (kept := self.cache.content(sha256)):
            return kept
        try:
            data = self._get(path)[1]
        except Vanished as error:
            raise BadImage(str(error)) from None
        if self.cache and hashlib.sha256(data).hexdigest() == sha256:
            self.cache.keep(data, None)
        return data

    def is_as_seen(self, seen: FileState) -> bool:
        """Return whether an object is still the version that a listing has told of; errors as in `read`."""
        try:
            return self.store.look(os.fsdecode(seen.path)).is_same(seen)
        except (Vanished, Refused):
            return False
        except Passing as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: Trouble) -> ImagesUnreachable:
        """Return the error that the store does not answer."""
        return ImagesUnreachable(
            f"the images at {self} cannot be reached ({error}); "
            "check the network and the server, then run again"
        )

    def _read_now(self, path: bytes) -> bytes:
        try:
            entry = self.store.look(os.fsdecode(path))
            data = self.read_listed(state_of(path, entry))
        except (Vanished, Refused) as error:
            raise BadImage(str(error)) from None
        except Passing as error:
            raise self.unreachable(error) from None
        if data is None:
            raise BadImage("changed while it was read")
        return data

    def _get(self, path: bytes) -> tuple[Entry, bytes]:
        """Return an object; what is refused, or never given whole, is a bad image."""
        self._outage.check()
        try:
            return self.store.read(os.fsdecode(path), MAX_FILE_BYTES)
        except Refused as error:
            raise BadImage(str(error)) from None
        except Busy as error:
            raise self._outage.begin(self.unreachable(error)) from None
        except Passing as error:
            if self._answers():
                raise BadImage(str(error)) from None
            raise self._outage.begin(self.unreachable(error)) from None

    def _answers(self) -> bool:
        """Return whether it is one object alone that cannot be had."""
        self._outage.check()
        hasty = replace(self, patience=replace(self.patience, attempts=1))
        try:
            next(hasty.entries(), None)
        except (ImagesUnreachable, NoImagesFolder):
            return False
        return True


def state_of(path: bytes, entry: Entry) -> FileState:
    """Return what a store tells of an object that has not been read."""
    return FileState(path, entry.size, entry.mtime_ns, 0, entry.version, None, None, None, entry.problem)


def _stat_of(seen: FileState) -> tuple[int, int, int]:
    return seen.size, seen.mtime_ns, seen.inode
