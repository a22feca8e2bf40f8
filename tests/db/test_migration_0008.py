"""Revision 0008, on a real database of revision 0005 that has snapshots."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db.session import open_database
from db.snapshots import load_images
from pipeline.records import SnapshotImage, Split
from tests.db.old_databases import assert_it_becomes_that_of_the_model, make_database_of
from tests.db.samples import sha, snapshot, store_snapshot

INSTANT = "2026-03-01 12:00:00.000000"
COUNTS = '{"train": {}, "test": {}}'
SNAPSHOTS = ", ".join(
    f"""({n}, '{sha(str(n))}', '["cat", "dog"]', '{COUNTS}', '{INSTANT}')""" for n in (1, 2, 4)
)
# Of each snapshot: image, label, split (0: test), path.
HELD: dict[int, list[tuple[int, int, int, str]]] = {
    1: [(1, 0, 0, "a"), (2, 0, 1, "b"), (3, 1, 1, "c")],
    2: [(1, 0, 0, "a"), (2, 1, 1, "b")],  # the second has another label, and the third is gone
    4: [(1, 0, 0, "a"), (2, 1, 1, "b"), (3, 1, 1, "c"), (4, 1, 0, "d")],  # it is back; there is no snapshot 3
}
ROWS = f"""
INSERT INTO image (id, sha256) VALUES {", ".join(f"({n}, '{sha(str(n))}')" for n in (1, 2, 3, 4))};
INSERT INTO snapshot VALUES {SNAPSHOTS};
""" + "".join(
    f"INSERT INTO snapshot_image VALUES ({snapshot_id}, {image}, {label}, {split}, CAST('{path}' AS BLOB));\n"
    for snapshot_id, rows in HELD.items()
    for image, label, split, path in rows
)


@pytest.fixture
def old(path: Path, tmp_path: Path) -> Path:
    """Return a database of revision 0005 with three snapshots."""
    make_database_of("0005", path, tmp_path / "versions", ROWS)
    return path


def test_the_migrated_database_has_the_tables_of_the_model(old: Path) -> None:
    assert_it_becomes_that_of_the_model(old)


def test_each_snapshot_holds_what_it_held_and_each_span_is_stored_once(old: Path) -> None:
    splits: tuple[Split, Split] = ("test", "train")
    with open_database(old).begin() as session:
        for snapshot_id, rows in HELD.items():
            held = {
                SnapshotImage(sha(str(image)), ("cat", "dog")[label], splits[split], path.encode())
                for image, label, split, path in rows
            }
            assert set(load_images(session, snapshot_id, ("cat", "dog"))) == held
        newest = store_snapshot(session, snapshot())
        assert load_images(session, newest, snapshot().classes) == snapshot().images
    with closing(sqlite3.connect(old)) as connection:
        spans = connection.execute("SELECT image_id, since_id, until_id FROM snapshot_span ORDER BY 1, 2")
        assert spans.fetchall()[:6] == [(1, 1, 5), (2, 1, 2), (2, 2, 5), (3, 1, 2), (3, 4, 5), (4, 4, 5)]
