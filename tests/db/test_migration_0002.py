"""Revision 0002, on a real database of revision 0001 whose rows were inserted by SQL."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from db import store
from db.session import open_database
from pipeline.errors import DatabaseError
from pipeline.records import LabelDecision, Promotion
from tests.db.old_databases import assert_it_becomes_that_of_the_model, make_database_of
from tests.db.samples import NOON, NOT_UTF8, PHOTOS, file_state, sha

INSTANT = "2026-03-01 12:00:00.000000"
PHOTOS_BYTES = PHOTOS.encode()
SETTINGS = ('{"epochs": 1}', '{"mxnet": "1.9.1"}')
RESULTS = (1.5, 2.5, None, '["a note"]', None)
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "file": [(PHOTOS_BYTES, NOT_UTF8, 100, 1, 2, 3, sha("a"), 4, 5, None)],
    "image": [(1, sha("a")), (2, sha("b")), (3, sha("c"))],
    "thumbnail": [(2, b"a small JPEG")],
    "snapshot": [
        (
            1,
            sha("abc"),
            '["cat", "dog"]',
            '{"train": {"cat": 1, "dog": 0}, "test": {"cat": 1, "dog": 1}}',
            INSTANT,
        )
    ],
    "snapshot_image": [(1, 1, 0, 0, b"a"), (1, 2, 1, 0, b"b"), (1, 3, 0, 1, NOT_UTF8)],
    "cycle": [
        (4, "finished", PHOTOS_BYTES, INSTANT, INSTANT, None, 1, 7, 8, 7, False, "first", "there was none"),
        (5, "failed", PHOTOS_BYTES, INSTANT, INSTANT, "no images", *[None] * 4, False, None, None),
    ],
    "cycle_quarantine": [(4, 0, NOT_UTF8, "it is cut off")],
    "run": [
        (number, 4, kind, "finished", "resnet18_v2", "classic", *SETTINGS, "cpu", 7, 1, 2, INSTANT, *RESULTS)
        for number, kind in ((7, "finetune"), (8, "scratch"))
    ],
    "epoch": [(7, 1, "head", 0.7, 0.5, 0.6, 0.5, 1.5)],
    "evaluation": [(1, 7, 1, 0.5, 0.125)],
    "prediction": [(1, 0, 1, 0, b"a", b"\0" * 16), (1, 1, 2, 1, b"b", b"\0" * 16)],
    "artifact": [(7, "model.params", sha("model"), 12345)],
    "promotion": [(1, 7, INSTANT, "there was none")],
}


@pytest.fixture
def old(path: Path, tmp_path: Path) -> Path:
    """Return a database of revision 0001 that has rows in each table."""
    make_database_of("0001", path, tmp_path / "versions")
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in ROWS.items():
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
    return path


def contents(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables, each by the names of its columns."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [
            row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in tables
        }


def test_the_database_of_the_test_has_rows_in_each_table_of_revision_0001(old: Path) -> None:
    assert all(contents(old).values())


def test_all_rows_are_kept_but_the_cache_of_the_scan(old: Path) -> None:
    before = contents(old)
    open_database(old)
    after = contents(old)
    assert after["file"] == []
    for table in before.keys() - {"file", "alembic_version", "snapshot_image"}:
        assert len(after[table]) == len(before[table])
        assert all(new | row == new for row, new in zip(before[table], after[table], strict=True)), table


def test_the_upgraded_database_has_the_tables_of_the_model(old: Path) -> None:
    assert_it_becomes_that_of_the_model(old)


def test_an_upgraded_database_reads_as_one_without_findings(old: Path) -> None:
    with open_database(old)() as session:
        cycle, failed = store.load_cycle(session, 4), store.load_cycle(session, 5)
        snapshot = store.last_finished_snapshot(session, PHOTOS)
    assert (cycle.changes, cycle.change_counts, cycle.leaks, cycle.suspects, cycle.mended) == (
        (),
        {},
        (),
        (),
        0,
    )
    assert (failed.status, failed.change_counts, failed.mended) == ("failed", {}, 0)
    assert cycle.finetune is not None
    assert (cycle.finetune.run.id, len(cycle.finetune.run.epochs)) == (7, 1)
    assert cycle.thumbnails == {sha("b"): b"a small JPEG"}
    assert snapshot is not None
    assert [image.sha256 for image in snapshot.images] == [sha("a"), sha("b"), sha("c")]


def test_an_upgraded_database_takes_what_is_new(old: Path) -> None:
    with open_database(old).begin() as session:
        fresh = file_state(NOT_UTF8, fingerprint=b"12345678")
        store.save_files(session, PHOTOS, [fresh])
        assert store.known_files(session, PHOTOS) == {NOT_UTF8: fresh}
        assert store.drawn_splits(session, [sha("a"), sha("b")]) == {}
        store.save_drawn_splits(session, {sha("a"): "test"})
        assert store.drawn_splits(session, [sha("a"), sha("b")]) == {sha("a"): "test"}
        store.save_label_decisions(session, [LabelDecision(sha("a"), "dog")], NOON)
        assert store.start_cycle(session, PHOTOS, NOON + timedelta(days=1)) == 6
        assert store.promotions(session) == [Promotion(1, 7, NOON, "there was none", "cycle")]


def test_the_backup_keeps_the_cache_too(old: Path) -> None:
    before = contents(old)
    open_database(old, now=lambda: NOON)
    assert contents(old.parent / "backups" / "whisker-20260301T120000Z-schema-0001.db") == before


def test_an_upgrade_that_cannot_be_finished_empties_nothing(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE label_decision (in_the_way INTEGER)")
    before = contents(old)
    with pytest.raises(DatabaseError, match=r"from schema 0001 to .*nothing was changed"):
        open_database(old)
    assert contents(old) == before


def test_the_table_of_files_has_one_column_per_field_of_a_file(session: Session) -> None:
    odd = file_state(b"a", fingerprint=bytes(range(32)))
    store.save_files(session, PHOTOS, [odd, file_state(b"b")])
    assert store.known_files(session, PHOTOS) == {b"a": odd, b"b": file_state(b"b")}
