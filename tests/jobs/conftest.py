"""Fixtures of the tests of whole cycles."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def images(drawn: Path, tmp_path: Path) -> Path:
    """Return a copy of the drawn images that a test may change."""
    folder = tmp_path / "images"
    shutil.copytree(drawn, folder)
    return folder
