"""What many tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Server, running_server
from tests.s3_server import S3Server, running_s3

REPOSITORY = Path(__file__).resolve().parent.parent
SLOW_TO_MAKE = ("finished", "reports")  # fixtures that many tests of a folder share


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share something slow to make in one process, see the Makefile."""
    for item in items:
        for name in SLOW_TO_MAKE:
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(f"{name} of {item.path.parent.name}"))


@pytest.fixture(scope="session")
def catdog() -> Path:
    """Return the folder of real cat and dog photos (train/, test/, arrivals/), read only, or skip."""
    folder = Path(os.environ.get("WHISKER_CATDOG", REPOSITORY.parent / "shared" / "data" / "catdog"))
    if not (folder / "train" / "cat").is_dir():
        pytest.skip(f"the cat and dog photos are not in {folder}; set WHISKER_CATDOG to their folder")
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of drawn cats and dogs, 12 of each to train and 6 of each to test on; read only."""
    from pipeline.drawings import draw_demo_images

    folder = tmp_path_factory.mktemp("drawn") / "images"
    draw_demo_images(folder, train_per_class=12, test_per_class=6, seed=3)
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the weights of the backbone `tiny`."""
    from tests.tiny import write_weights

    return write_weights(tmp_path_factory.mktemp("gluon"))


@pytest.fixture(scope="session")
def quickly(tiny_weights: Path) -> dict[str, str]:
    """Return an environment in which a cycle is quick: its network is tiny, and it waits for no file."""
    from tests import tiny

    settings = {"WHISKER_BACKBONE": tiny.NAME, "WHISKER_SETTLE_SECONDS": "0"}
    return {**os.environ, **tiny.environment(tiny_weights), **settings}


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """Start a server that speaks S3 for the tests of this process."""
    with running_s3() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Start a PostgreSQL server for the tests of this process, or skip."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_home(postgres: Server) -> str:
    """Return the name of a migrated database without rows, for `postgres_url` to copy."""
    from db.session import open_database

    name = postgres.new_database()
    open_database(postgres.url(name))
    return name


@pytest.fixture
def postgres_url(postgres: Server, postgres_home: str) -> Iterator[str]:
    """Return the URL of a new database with all tables and no rows."""
    with postgres.database(postgres_home) as url:
        yield url
