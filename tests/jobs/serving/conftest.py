"""What the tests of the web app share: one home that nothing changes, one server over it, and copies."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import store
from db.session import open_current
from jobs.champion import promote_by_hand
from jobs.home import Home
from jobs.preparation import Request
from tests.jobs.serving.doubtful import doubtful_home, undecided
from tests.jobs.serving.server import Served, serving


def copy_of(home: Home, folder: Path) -> Home:
    """Copy a home."""
    shutil.copytree(home.folder, folder, symlinks=True)
    return Home(folder)


@pytest.fixture(scope="session")
def finished(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Request:
    """Return a home with doubtful labels; read only."""
    return doubtful_home(tmp_path_factory.mktemp("serving"), drawn)


@pytest.fixture(scope="session")
def served(finished: Request) -> Iterator[Served]:
    """Return a server without a token that only answers questions."""
    with serving(finished.home.folder) as server:
        yield server


@pytest.fixture
def home(finished: Request, tmp_path: Path) -> Home:
    """Return a copy of the home, over the same images, that a test may change."""
    return copy_of(finished.home, tmp_path / "home")


@pytest.fixture(scope="session")
def shared_change(
    finished: Request, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Home, Served]]:
    """Return a copy of the home with a server over it, which `changing` puts right again."""
    home = copy_of(finished.home, tmp_path_factory.mktemp("changing") / "home")
    with serving(home.folder) as server:
        yield home, server


@pytest.fixture
def changing(shared_change: tuple[Home, Served]) -> tuple[Home, Served]:
    """Return a home with nothing decided whose run 1 is the champion, and a server over it."""
    home, server = shared_change
    undecided(home)
    with open_current(home.database)() as session:
        champion = store.champion_id(session)
    if champion != 1:
        promote_by_hand(home, 1, "the next test")
    return home, server


@pytest.fixture
def photo(drawn: Path) -> bytes:
    """Return the file of a drawn dog."""
    return (drawn / "test" / "dog" / "drawn-0001.jpg").read_bytes()
