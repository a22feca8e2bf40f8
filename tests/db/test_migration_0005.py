"""Revision 0005, on a real database of revision 0004 that has rows."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from db import store
from db.base import Base
from db.file_check import VERSIONS
from db.migrate import create_database
from db.session import open_database
from db.tables import CycleRow, RunRow
from tests.db.samples import PHOTOS

INSTANT = "2026-03-01 12:00:00.000000"
ROWS = f"""
INSERT INTO cycle (id, status, images_folder, started_at, scratch_reused)
    VALUES (4, 'running', CAST('{PHOTOS}' AS BLOB), '{INSTANT}', 0);
INSERT INTO run (id, cycle_id, kind, status, backbone, recipe, settings, environment, device, seed,
                 train_images, test_images, started_at, notes)
    VALUES (7, 4, 'finetune', 'running', 'resnet18_v2', 'classic', '{{}}', '{{}}', 'cpu', 7, 1, 2,
        '{INSTANT}', '[]');
"""


@pytest.fixture
def old(path: Path, tmp_path: Path) -> Path:
    """Return a database of revision 0004 with a cycle that was cut off."""
    versions = tmp_path / "versions"
    versions.mkdir()
    for file in VERSIONS.glob("[0-9]*_*.py"):
        if file.name[:4] <= "0004":
            shutil.copy(file, versions)
    create_database(path, versions)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(ROWS)
    return path


def test_the_migrated_database_has_the_tables_of_the_model(old: Path) -> None:
    with open_database(old)() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_old_cycles_were_never_resumed_and_old_models_never_pruned(old: Path) -> None:
    with open_database(old)() as session:
        assert session.get_one(CycleRow, 4).resumes == 0
        assert session.get_one(RunRow, 7).model_pruned_at is None
        assert store.load_run(session, 7).run.status == "running"
