"""Fixtures of the tests of whole cycles."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.preparation import Request
from pipeline import backbones
from tests.jobs.cycles import request, run
from tests.moved_home import copy_home
from tests.tiny import in_gluons_cache, with_tiny


@contextmanager
def quick_cycles(weights: Path) -> Iterator[None]:
    """Let cycles in this process use the backbone `tiny`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "BACKBONES", with_tiny(weights))
        for variable, value in in_gluons_cache(weights).items():
            patch.setenv(variable, value)
        yield


@pytest.fixture
def quick(tiny_weights: Path) -> Iterator[None]:
    """Let the cycles of a test be quick, see `quick_cycles`."""
    with quick_cycles(tiny_weights):
        yield


@pytest.fixture
def images(drawn: Path, quick: None, tmp_path: Path) -> Path:
    """Return a copy of the drawn images that a test may change, for quick cycles."""
    folder = tmp_path / "images"
    shutil.copytree(drawn, folder)
    return folder


@pytest.fixture(scope="session")
def first_cycle(drawn: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with drawn images, and a home in which one cycle on them has finished; read only."""
    folder = tmp_path_factory.mktemp("first-cycle")
    shutil.copytree(drawn, folder / "images")
    with quick_cycles(tiny_weights):
        run(request(folder, folder / "images"))
    return folder


@pytest.fixture
def finished_once(first_cycle: Path, quick: None, tmp_path: Path) -> Request:
    """Return the request of a cycle that has finished once already, with a home and images of its own."""
    copy_home(first_cycle, tmp_path)
    return request(tmp_path, tmp_path / "images")
