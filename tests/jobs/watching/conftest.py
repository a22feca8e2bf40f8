"""What the tests of the daemon's parts share."""

from pathlib import Path

import pytest

from db.session import open_database


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a new database."""
    open_database(tmp_path / "whisker.db")
    return tmp_path / "whisker.db"
