"""Revision 0005, on a real database of revision 0004 that has rows."""

from pathlib import Path

import pytest

from db import store
from db.session import open_database
from db.tables import CycleRow, RunRow
from tests.db.old_databases import assert_it_becomes_that_of_the_model, make_database_of
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
    make_database_of("0004", path, tmp_path / "versions", ROWS)
    return path


def test_the_migrated_database_has_the_tables_of_the_model(old: Path) -> None:
    assert_it_becomes_that_of_the_model(old)


def test_old_cycles_were_never_resumed_and_old_models_never_pruned(old: Path) -> None:
    with open_database(old)() as session:
        assert session.get_one(CycleRow, 4).resumes == 0
        assert session.get_one(RunRow, 7).model_pruned_at is None
        assert store.load_run(session, 7).run.status == "running"
