"""Migrations, with one more revision that the test writes."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from db import store
from db.revisions import VERSIONS, known_revisions
from db.session import open_database, open_read_only
from pipeline.errors import DatabaseError, DatabaseTooNew
from tests.db.old_databases import loaded_by_opening, versions_up_to
from tests.db.samples import NOON, begin_cycle, begin_run, epoch

PRESENT = known_revisions(VERSIONS)[-1]
NEXT = f"{int(PRESENT) + 1:04d}"
BACKUP = f"whisker-20260301T120000Z-schema-{PRESENT}.db"
HEADER = (
    f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '{NEXT}'\ndown_revision = '{PRESENT}'\n"
)
COPY_THE_PARENT = """
def upgrade():
    with op.batch_alter_table("run", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("mood", sa.String, nullable=False, server_default="good"))
"""
FAIL_HALF_WAY = COPY_THE_PARENT + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'
LOSE_ROWS = 'def upgrade():\n    op.execute("DELETE FROM epoch")\n'
ORPHANS = 'def upgrade():\n    op.execute("UPDATE epoch SET run_id = 77")\n'


@pytest.fixture
def old(path: Path) -> Path:
    """Return a database of the present revision with a run of two epochs."""
    with open_database(path).begin() as session:
        run_id = begin_run(session, begin_cycle(session)[0])
        store.add_epoch(session, run_id, epoch(1))
        store.add_epoch(session, run_id, epoch(2))
    return path


def versions(tmp_path: Path, migration: str) -> Path:
    folder = versions_up_to(PRESENT, tmp_path / "a folder; 100% odd" / "versions")
    (folder / f"{NEXT}_one_more.py").write_text(HEADER + migration)
    return folder


def noon() -> datetime:
    return NOON


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("backups/*"))


def test_an_older_database_is_backed_up_and_migrated_and_keeps_all_rows(old: Path, tmp_path: Path) -> None:
    open_database(old, versions=versions(tmp_path, COPY_THE_PARENT), now=noon)
    assert ask(old, "SELECT mood FROM run") == [("good",)]
    assert ask(old, "SELECT epoch FROM epoch") == [(1,), (2,)]
    assert ask(old, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert ask(old, "PRAGMA foreign_key_check") == []
    assert [file.name for file in backups(old)] == [BACKUP]


def test_the_backup_is_a_whole_database_of_the_old_schema(old: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        before = list(connection.iterdump())
    open_database(old, versions=versions(tmp_path, COPY_THE_PARENT), now=noon)
    (backup,) = backups(old)
    with closing(sqlite3.connect(backup)) as connection:
        assert list(connection.iterdump()) == before
    with open_read_only(backup)() as session:
        assert store.load_run(session, 1).run.epochs == (epoch(1), epoch(2))


def test_the_numbers_of_runs_go_on_after_a_migration(old: Path, tmp_path: Path) -> None:
    open_database(old, versions=versions(tmp_path, COPY_THE_PARENT), now=noon)
    assert ask(old, "SELECT seq FROM sqlite_sequence WHERE name='run'") == [(1,)]


@pytest.mark.parametrize(
    ("migration", "reason"),
    [
        (FAIL_HALF_WAY, "no such table: nowhere"),
        (LOSE_ROWS, "the number of rows changed in epoch"),
        (ORPHANS, "a row of epoch points at a row of run that is gone"),
    ],
)
def test_a_migration_that_fails_or_loses_rows_leaves_the_database_as_it_was(
    migration: str, reason: str, old: Path, tmp_path: Path
) -> None:
    before = ask(old, "SELECT sql FROM sqlite_master")
    with pytest.raises(
        DatabaseError, match=f"from schema {PRESENT} to {NEXT} .*{reason}.*nothing was changed"
    ):
        open_database(old, versions=versions(tmp_path, migration), now=noon)
    assert ask(old, "SELECT sql FROM sqlite_master") == before
    assert [file.name for file in backups(old)] == [BACKUP]
    with open_database(old)() as session:
        assert store.load_run(session, 1).run.epochs == (epoch(1), epoch(2))


def test_the_older_program_refuses_the_migrated_database(old: Path, tmp_path: Path) -> None:
    open_database(old, versions=versions(tmp_path, COPY_THE_PARENT), now=noon)
    before = old.read_bytes()
    with pytest.raises(DatabaseTooNew, match=f"schema {NEXT}, this one knows {PRESENT}"):
        open_database(old)
    assert old.read_bytes() == before


def test_a_reader_does_not_migrate(old: Path, tmp_path: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(DatabaseError, match=r"made by an older Whisker: `cli\.py run-now"):
        open_read_only(old, versions=versions(tmp_path, COPY_THE_PARENT))
    assert (old.read_bytes(), backups(old)) == (before, [])


def test_without_a_backup_nothing_is_migrated(old: Path, tmp_path: Path) -> None:
    (old.parent / "backups").write_text("a file in the way")
    with pytest.raises(DatabaseError, match=r"could not be backed up: .*File exists"):
        open_database(old, versions=versions(tmp_path, COPY_THE_PARENT), now=noon)
    assert ask(old, "SELECT version_num FROM alembic_version") == [(PRESENT,)]


def test_a_new_database_gets_all_migrations(path: Path, tmp_path: Path) -> None:
    open_database(path, versions=versions(tmp_path, COPY_THE_PARENT))
    assert ask(path, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert backups(path) == []


def test_creation_that_fails_leaves_no_file(path: Path, tmp_path: Path) -> None:
    folder = versions(tmp_path, FAIL_HALF_WAY)
    with pytest.raises(Exception, match="nowhere"):
        open_database(path, versions=folder)
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_creation_that_lost_the_race_keeps_the_database_of_the_winner(path: Path) -> None:
    from db.migrate import create_database

    with open_database(path).begin() as session:
        store.start_cycle(session, "/photos", NOON)
    create_database(path, VERSIONS)
    with open_read_only(path)() as session:
        assert store.cycle_ids(session) == [1]


def test_opening_a_database_of_the_present_schema_does_not_import_alembic_or_the_libraries_of_training(
    old: Path,
) -> None:
    assert loaded_by_opening(str(old)) == "[]\n"
