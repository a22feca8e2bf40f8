"""The same files in stores of different kinds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from pipeline.remote.folder import RemoteFolder
from pipeline.remote.object_cache import ObjectCache
from pipeline.remote.trouble import Patience
from tests.s3_server import S3Server
from tests.web_folder import served

HASTY = Patience(attempts=3, first_wait=0.001)


class Filled(Protocol):
    """A store with files that a test may change."""

    folder: RemoteFolder

    def write(self, name: str, data: bytes) -> None: ...

    def remove(self, name: str) -> None: ...


@dataclass
class InMemory:
    folder: RemoteFolder

    def write(self, name: str, data: bytes) -> None:
        import fsspec

        fsspec.filesystem("memory").pipe_file(f"{self.folder.url}/{name}", data)

    def remove(self, name: str) -> None:
        import fsspec

        fsspec.filesystem("memory").rm_file(f"{self.folder.url}/{name}")


@dataclass
class OnS3:
    folder: RemoteFolder
    server: S3Server

    def write(self, name: str, data: bytes) -> None:
        self.server.write(self.folder.url, name, data)

    def remove(self, name: str) -> None:
        self.server.remove(self.folder.url, name)


@dataclass
class OnTheWeb:
    folder: RemoteFolder
    photos: Path

    def write(self, name: str, data: bytes) -> None:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(self, name: str) -> None:
        (self.photos / name).unlink()


@contextmanager
def filled(
    kind: str, files: Mapping[str, bytes], place: Path, request: pytest.FixtureRequest
) -> Iterator[Filled]:
    """Give a store of a kind that holds these files; copies of what is read go below `place`."""
    cache = ObjectCache(place / "objects", 10**8)
    if kind == "s3":
        server: S3Server = request.getfixturevalue("s3")
        folder = RemoteFolder(server.put(files), server.options, cache, HASTY)
        yield OnS3(folder, server)
    elif kind == "memory":
        store = InMemory(RemoteFolder(f"memory://{uuid4().hex}/photos", {}, cache, HASTY))
        for name, data in files.items():
            store.write(name, data)
        yield store
    else:
        with served(place / "www") as web:
            site = OnTheWeb(RemoteFolder(web.url, {}, cache, HASTY), place / "www" / "photos")
            for name, data in files.items():
                site.write(name, data)
            yield site
