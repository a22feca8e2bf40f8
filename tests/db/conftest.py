"""A new database for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db.session import open_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "whisker.db"


@pytest.fixture
def sessions(path: Path) -> sessionmaker[Session]:
    return open_database(path)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions.begin() as session:
        yield session
