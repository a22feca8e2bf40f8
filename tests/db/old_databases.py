"""Databases that an older version of the program has made."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from db.base import Base
from db.migrate import create_database
from db.revisions import VERSIONS
from db.session import open_database
from tests.conftest import REPOSITORY


def make_database_of(revision: str, path: Path, versions: Path, rows: str = "") -> None:
    """Make a database of a revision, from the migrations up to it in the new folder `versions`.

    `rows` are statements that fill it.
    """
    create_database(path, versions_up_to(revision, versions))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(rows)


def versions_up_to(revision: str, folder: Path) -> Path:
    """Make a folder of the migrations up to a revision, and return it."""
    folder.mkdir(parents=True)
    for file in VERSIONS.glob("[0-9]*_*.py"):
        if file.name[:4] <= revision:
            shutil.copy(file, folder)
    return folder


def assert_it_becomes_that_of_the_model(path: Path) -> None:
    """Migrate a database, and compare its tables with those of the program."""
    with open_database(path)() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def loaded_by_opening(where: str) -> str:
    """Return which of what a reader does not need a process has imported that opens a database."""
    script = (
        "import sys; from db import store; from db.session import open_database;"
        f"open_database({where!r});"
        "print(sorted({'alembic', 'mxnet', 'matplotlib', 'jinja2', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return answer.stdout
