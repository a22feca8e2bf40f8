"""Revision 0004, on real databases of each older revision that have rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db import store
from db.revisions import VERSIONS, known_revisions
from db.session import open_database
from pipeline.records import Findings, Promotion, Verdict
from tests.db.old_databases import assert_it_becomes_that_of_the_model, make_database_of
from tests.db.samples import NOON, PHOTOS, sha

INSTANT = "2026-03-01 12:00:00.000000"
COUNTS = '{"train": {"cat": 1, "dog": 0}, "test": {"cat": 1, "dog": 1}}'
ROWS = f"""
INSERT INTO image (id, sha256)
    VALUES (1, '{sha("a")}'), (2, '{sha("b")}'), (3, '{sha("c")}'), (4, '{sha("d")}');
INSERT INTO snapshot VALUES (1, '{sha("1")}', '["cat", "dog"]', '{COUNTS}', '{INSTANT}'),
    (2, '{sha("2")}', '["cat", "dog"]', '{COUNTS}', '{INSTANT}');
INSERT INTO snapshot_image VALUES (1, 1, 0, 0, x'61'), (1, 2, 0, 1, x'62'),
    (2, 1, 0, 0, x'61'), (2, 2, 1, 0, x'62'), (2, 3, 1, 0, x'63');
INSERT INTO cycle (id, status, images_folder, started_at, snapshot_id, scratch_reused, decision, reason)
    VALUES (4, 'finished', CAST('{PHOTOS}' AS BLOB), '{INSTANT}', 1, 0, 'first', 'there was none'),
    (5, 'finished', CAST('{PHOTOS}' AS BLOB), '{INSTANT}', 2, 0, 'hold', 'no difference');
INSERT INTO run VALUES (7, 4, 'finetune', 'finished', 'resnet18_v2', 'classic', '{{}}', '{{}}', 'cpu', 7, 1,
    2, '{INSTANT}', 1.5, 2.5, NULL, '["a note"]', NULL);
UPDATE cycle SET finetune_run_id = 7, champion_id = 7 WHERE id = 4;
INSERT INTO promotion VALUES (1, 7, '{INSTANT}', 'there was none');
"""


@pytest.fixture(params=["0001", "0002", "0003"])
def old(request: pytest.FixtureRequest, path: Path, tmp_path: Path) -> Path:
    """Return a database of an older revision with two cycles."""
    make_database_of(request.param, path, tmp_path / "versions", ROWS)
    return path


def test_the_migrated_database_has_the_tables_of_the_model(old: Path) -> None:
    assert_it_becomes_that_of_the_model(old)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (
            known_revisions(VERSIONS)[-1],
        )


def test_old_images_know_when_they_arrived_and_unused_ones_do_not(old: Path) -> None:
    open_database(old)
    with closing(sqlite3.connect(old)) as connection:
        first = connection.execute("SELECT id, first_snapshot_id FROM image ORDER BY id").fetchall()
    assert first == [(1, 1), (2, 1), (3, 2), (4, None)]
    with open_database(old)() as session:
        assert store.load_cycle(session, 5).arrivals == {sha("a"): 4, sha("b"): 4, sha("c"): 5}


def test_old_cycles_and_promotions_read_as_they_were_meant(old: Path) -> None:
    with open_database(old)() as session:
        cycle = store.load_cycle(session, 4)
        later = store.load_cycle(session, 5)
        assert store.promotions(session) == [Promotion(1, 7, NOON, "there was none", "cycle")]
        assert store.temperature(session, 7) == 1.0
    assert (cycle.verdict, cycle.compared) == (Verdict("first", "there was none", 0.0), None)
    assert cycle.finetune is not None
    assert (cycle.finetune.findings, cycle.finetune.heat_maps) == (Findings(), ())
    assert later.previous is not None
    assert later.previous.id == 4
