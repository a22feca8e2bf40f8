"""A new database for each test: a SQLite file, and once more one on a PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db.session import open_database
from tests.postgres import Server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the SQLite file is, for tests that are about files (see `samples.ONLY_SQLITE`)."""
    return tmp_path / "whisker.db"


@pytest.fixture(scope="session")
def shared_database(postgres: Server, postgres_home: str) -> str:
    """Return the name of a migrated database, which is the same one for all tests of this folder."""
    return postgres.new_database(postgres_home)


@pytest.fixture
def empty_postgres_url(postgres: Server, shared_database: str) -> str:
    """Return the URL of a migrated database without rows; emptying one is quicker than making one."""
    postgres.empty(shared_database)
    return postgres.url(shared_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> Path | str:
    """Return the path of a SQLite file that is to be made, or the URL of a database without rows."""
    database: Path | str = request.getfixturevalue(
        "path" if request.param == "sqlite" else "empty_postgres_url"
    )
    return database


@pytest.fixture
def sessions(where: Path | str) -> sessionmaker[Session]:
    return open_database(where)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions.begin() as session:
        yield session
