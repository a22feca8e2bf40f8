"""The tables on a PostgreSQL server: made once, migrated whole or not at all, left alone by readers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.base import Base
from db.revisions import VERSIONS, known_revisions
from db.session import open_current, open_database, open_read_only
from pipeline.errors import DatabaseError, DatabaseMissing, DatabaseTooNew
from pipeline.records import Promotion
from tests.conftest import REPOSITORY
from tests.db.old_databases import loaded_by_opening, versions_up_to
from tests.db.samples import NOON, PHOTOS, begin_cycle, begin_run, epoch, sha
from tests.db.test_migrate import LOSE_ROWS, NEXT, PRESENT, versions
from tests.db.test_migration_0002 import ROWS
from tests.postgres import Server

ADD_A_COLUMN = """
def upgrade():
    op.add_column("run", sa.Column("mood", sa.String, nullable=False, server_default="good"))
"""
FAIL_HALF_WAY = ADD_A_COLUMN + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'

Open = Callable[..., sessionmaker[Session]]
READERS = pytest.mark.parametrize("open_it", [open_read_only, open_current])
ANY = pytest.mark.parametrize("open_it", [open_database, open_read_only, open_current])


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """Return the URL of an empty database."""
    with postgres.database() as url:
        yield url


def ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements without the program; return the rows of the last one."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return [] if cursor.description is None else cursor.fetchall()


def tables(url: str) -> list[tuple[Any, ...]]:
    columns = "table_name, column_name, data_type FROM information_schema.columns"
    return ask(url, f"SELECT {columns} WHERE table_schema = 'public' ORDER BY 1, 2")


def test_two_processes_that_start_at_once_make_the_tables_once(url: str) -> None:
    script = f"from db.session import open_database; input(); open_database({url!r})"
    pipe = subprocess.PIPE
    starting = [
        subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdin=pipe, stderr=pipe, text=True)
        for _ in range(2)
    ]
    for process in starting:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in starting] == ["", ""]
    assert ask(url, "SELECT version_num FROM alembic_version") == [(PRESENT,)]


@READERS
def test_who_does_not_make_a_database_says_that_it_is_empty(open_it: Open, url: str) -> None:
    with pytest.raises(DatabaseMissing, match=r"there is nothing in .*: `cli\.py run-now` makes the tables"):
        open_it(url)
    assert tables(url) == []


@ANY
@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (["CREATE TABLE run (id integer)"], "is a database of another program"),
        (["CREATE TABLE alembic_version (version_num text)"], "is a database of another program"),
        (
            [
                "CREATE TABLE alembic_version (version_num text)",
                "COMMENT ON TABLE alembic_version IS 'Whisker'",
            ],
            "does not say which schema it has",
        ),
    ],
)
def test_what_is_no_database_of_ours_is_refused_and_left_alone(
    open_it: Open, statements: list[str], sentence: str, url: str
) -> None:
    ask(url, *statements)
    before = tables(url)
    with pytest.raises(DatabaseError, match=sentence):
        open_it(url)
    assert tables(url) == before


@ANY
def test_a_newer_database_is_refused_and_left_alone(
    open_it: Open, empty_postgres_url: str, tmp_path: Path
) -> None:
    older = versions_up_to(known_revisions(VERSIONS)[-2], tmp_path / "versions")
    before = tables(empty_postgres_url)
    with pytest.raises(DatabaseTooNew, match=f"schema {PRESENT}, .*upgrade Whisker; nothing was changed"):
        open_it(empty_postgres_url, versions=older)
    assert tables(empty_postgres_url) == before


@READERS
def test_who_does_not_migrate_refuses_an_older_database(
    open_it: Open, empty_postgres_url: str, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseError, match=r"made by an older Whisker: `cli\.py run-now --if-changed`"):
        open_it(empty_postgres_url, versions=versions(tmp_path, ADD_A_COLUMN))


def test_a_database_in_an_encoding_that_lacks_letters_is_refused(postgres: Server) -> None:
    options = "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
    with postgres.database("template0", options) as url:
        with pytest.raises(DatabaseError, match=r"has the encoding LATIN1: make one with `createdb -E UTF8`"):
            open_database(url)
        assert tables(url) == []


def test_a_database_of_the_first_revision_goes_through_all_others_and_keeps_its_rows(
    url: str, tmp_path: Path
) -> None:
    revisions = known_revisions(VERSIONS)
    open_database(url, versions=versions_up_to(revisions[0], tmp_path / "first"))
    fill(url, ROWS)
    for revision in revisions:
        open_database(url, versions=versions_up_to(revision, tmp_path / revision))
        assert ask(url, "SELECT version_num FROM alembic_version") == [(revision,)]
    with open_database(url)() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []
        cycle, snapshot = store.load_cycle(session, 4), store.last_finished_snapshot(session, PHOTOS)
        assert store.promotions(session) == [Promotion(1, 7, NOON, "there was none", "cycle")]
    assert cycle.finetune is not None
    assert (cycle.started_at, len(cycle.finetune.run.epochs)) == (NOON, 1)
    assert cycle.thumbnails == {sha("b"): b"a small JPEG"}
    assert snapshot is not None
    assert [image.sha256 for image in snapshot.images] == [sha("a"), sha("b"), sha("c")]


def fill(url: str, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """Insert rows that point at each other."""
    database = url.replace("+psycopg", "").replace("//whisker@", "//postgres@")
    with psycopg.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")  # no foreign keys
        connection.execute("SET TIME ZONE 'UTC'")
        for table, some in rows.items():
            places = ", ".join(["%s"] * len(some[0]))
            connection.cursor().executemany(f"INSERT INTO {table} VALUES ({places})".encode(), some)


@pytest.fixture
def old(url: str) -> str:
    """Return the URL of a database of the present revision with a run of an epoch."""
    with open_database(url).begin() as session:
        run_id = begin_run(session, begin_cycle(session)[0])
        store.add_epoch(session, run_id, epoch(1))
    return url


@pytest.mark.parametrize(
    ("migration", "reason"),
    [(FAIL_HALF_WAY, "nowhere.* does not exist"), (LOSE_ROWS, "the number of rows changed in epoch")],
)
def test_a_migration_that_fails_or_loses_rows_leaves_the_database_as_it_was(
    migration: str, reason: str, old: str, tmp_path: Path
) -> None:
    before = tables(old)
    with pytest.raises(
        DatabaseError, match=f"from schema {PRESENT} to {NEXT} .*{reason}.*nothing was changed"
    ):
        open_database(old, versions=versions(tmp_path, migration))
    assert tables(old) == before
    with open_database(old)() as session:
        assert store.load_run(session, 1).run.epochs == (epoch(1),)


def test_opening_a_database_of_the_present_schema_does_not_import_alembic(empty_postgres_url: str) -> None:
    assert loaded_by_opening(empty_postgres_url) == "[]\n"
