"""A home on either kind of database, images enough to be shared, and real workers."""

import os
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_again, open_database, open_read_only
from jobs.home import Home
from jobs.sharing.owner import Owner
from pipeline.image_folder import ImageFolder
from pipeline.read_files import Reading
from pipeline.records import FileState
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN
from tests.processes import started

ONLY_SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
ONLY_POSTGRES = pytest.mark.parametrize("place", ["postgresql"], indirect=True)
LEASE_SECONDS = 1.0
PATIENCE_SECONDS = 60  # then something is wrong
RUBBISH = {b"cat/text.jpg": b"no image", b"dog/empty.png": b"", b"dog/cut off.png": b"\x89PNG\r\n\x1a\n"}


@dataclass(frozen=True)
class Place:
    """A home whose database is made, its images, and how processes find both."""

    home: Home
    images: Path
    environment: dict[str, str]

    def owner(self, monotonic: Callable[[], float] = time.monotonic) -> Owner:
        writer, reader = open_again(self.home.records, 30), open_read_only(self.home.records)
        return Owner(writer, reader, lease_seconds=LEASE_SECONDS, monotonic=monotonic)

    def waiting(self, owner: Owner, condition: Callable[[], bool]) -> Callable[[], None]:
        """Return a check in which an owner, who does not seem dead for it, waits until something is so."""

        def has_come() -> bool:
            with owner.sessions.begin() as session:
                for job in store.open_jobs(session):
                    store.beat_job(session, job.id, 0)
            return condition()

        return lambda: wait_until(has_come)

    def worker(self, **more: str) -> "AbstractContextManager[subprocess.Popen[str]]":
        arguments = ("--home", self.home.folder, "work", "--images", self.images)
        return started(*arguments, environment=self.environment | more)

    def sessions(self) -> sessionmaker[Session]:
        return open_read_only(self.home.records)

    def chunks_done(self) -> int:
        """Return how many chunks the workers have done that are there now."""
        with self.sessions()() as session:
            return sum(worker.chunks_done for worker in store.list_workers(session))

    def wait_for_workers(self, number: int) -> None:
        def are_there() -> bool:
            with self.sessions()() as session:
                return store.count_workers(session) == number

        wait_until(are_there)

    def new_files(self) -> list[FileState]:
        """Return what a scan would have to read, which it tells a reader that reads nothing."""
        wanted: list[FileState] = []

        def keep(_: ImageFolder, files: Sequence[FileState]) -> Generator[Reading, None, None]:
            wanted.extend(files)
            yield from ()

        scan(self.images, NOTHING_KNOWN, settle_seconds=0, read=keep)
        return wanted


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again whether something is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 600 small images of noise, and some files that are none; read only."""
    folder = tmp_path_factory.mktemp("noise")
    generator = np.random.default_rng(1)
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        for number in range(300):
            pixels = generator.integers(0, 256, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
    for path, content in RUBBISH.items():
        (folder / os.fsdecode(path)).write_bytes(content)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, quickly: dict[str, str], noise: Path, tmp_path: Path
) -> Iterator[Place]:
    """Return a home with an empty database of either kind."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHISKER_DATABASE_URL", url)
        home = Home(tmp_path / "home")
        home.create(noise)
        open_database(home.records)
        yield Place(home, noise, {**quickly, "WHISKER_DATABASE_URL": url, "WHISKER_ENGINE": "onnxruntime"})
