import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.backups import make_backup
from db.file_check import APPLICATION_ID
from db.revisions import VERSIONS, known_revisions
from db.session import open_database, open_read_only
from pipeline.errors import BadSettings, DatabaseError, DatabaseMissing, DatabaseTooNew
from tests.db.samples import NOON, ONLY_SQLITE, PHOTOS, begin_cycle, begin_run

Open = Callable[[Path], sessionmaker[Session]]
BOTH = pytest.mark.parametrize("open_it", [open_database, open_read_only])


def contents(folder: Path) -> dict[str, bytes | None]:
    return {file.name: file.read_bytes() if file.is_file() else None for file in folder.iterdir()}


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_empty(path: Path) -> None:
    path.touch()


def make_text(path: Path) -> None:
    path.write_text("not a database, but long enough to have a header")


def make_short(path: Path) -> None:
    path.write_bytes(b"SQLite")


def make_foreign(path: Path) -> None:
    change(path, "CREATE TABLE run (id INTEGER)")


def make_foreign_with_alembic(path: Path) -> None:
    change(path, "CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('0001')")


def make_unmarked(path: Path) -> None:
    open_database(path)
    change(path, "DELETE FROM alembic_version")


def make_half(path: Path) -> None:
    open_database(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


UNUSABLE = {
    "is a folder: there is no backup of it; move it away to begin anew": make_folder,
    r"is empty \(0 bytes\): there is no backup of it; move it away": make_empty,
    "is not a SQLite database": make_text,
    "whisker.db is not a SQLite database": make_short,
    "database of another program": make_foreign,
    "whisker.db is a database of another program": make_foreign_with_alembic,
    "does not say which schema it has": make_unmarked,
    "is damaged": make_half,
}


@BOTH
@pytest.mark.parametrize("sentence", UNUSABLE)
def test_what_is_no_whole_database_of_ours_is_refused_and_left_alone(
    open_it: Open, sentence: str, path: Path
) -> None:
    UNUSABLE[sentence](path)
    before = contents(path.parent)
    with pytest.raises(DatabaseError, match=sentence):
        open_it(path)
    assert contents(path.parent) == before


@BOTH
def test_a_newer_schema_is_refused_and_not_a_byte_is_changed(open_it: Open, path: Path) -> None:
    open_database(path)
    change(path, "UPDATE alembic_version SET version_num='9999'")
    before = contents(path.parent)
    with pytest.raises(
        DatabaseTooNew, match=rf"schema 9999, this one knows {known_revisions(VERSIONS)[-1]}\): upgrade"
    ):
        open_it(path)
    assert contents(path.parent) == before


BECOME_NEWER = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA journal_mode={sys.argv[2]}")
connection.execute("UPDATE alembic_version SET version_num='9999'")
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE cycle SET images_folder = zeroblob(200000)")
os.kill(os.getpid(), 9)
"""


@BOTH
@pytest.mark.parametrize(("mode", "beside"), [("DELETE", "whisker.db-journal"), ("WAL", "whisker.db-wal")])
def test_a_newer_database_whose_writer_was_killed_is_refused_and_not_a_byte_is_changed(
    open_it: Open, mode: str, beside: str, path: Path
) -> None:
    with open_database(path).begin() as session:
        store.start_cycle(session, PHOTOS * 10_000, NOON)
    subprocess.run([sys.executable, "-c", BECOME_NEWER, str(path), mode], check=False)
    before = (path.read_bytes(), path.with_name(beside).read_bytes())
    with pytest.raises(DatabaseTooNew, match="schema 9999"):
        open_it(path)
    assert (path.read_bytes(), path.with_name(beside).read_bytes()) == before


def test_a_writer_creates_the_file_with_its_mark_and_leaves_nothing_beside_it(path: Path) -> None:
    with open_database(path).begin() as session:
        assert session.execute(text("PRAGMA application_id")).scalar_one() == APPLICATION_ID
    assert list(contents(path.parent)) == [path.name]


def test_opening_again_keeps_what_is_stored(path: Path) -> None:
    for expected in (1, 2):
        with open_database(path).begin() as session:
            assert store.start_cycle(session, PHOTOS, NOON) == expected


def test_a_reader_creates_nothing(path: Path) -> None:
    with pytest.raises(DatabaseMissing, match=r"there is no database .*: `cli.py run-now` makes it"):
        open_read_only(path)
    assert contents(path.parent) == {}


def test_a_reader_reads_and_cannot_write(path: Path) -> None:
    with open_database(path).begin() as session:
        run_id = begin_run(session, begin_cycle(session)[0])
    readers = open_read_only(path)
    with readers() as session:
        assert store.load_run(session, run_id).run.id == run_id
    with readers() as session, pytest.raises(DatabaseError, match="cannot be written"):
        store.start_cycle(session, PHOTOS, NOON)


@ONLY_SQLITE
def test_a_reader_is_not_stopped_by_a_writer_in_its_transaction(
    sessions: sessionmaker[Session], path: Path
) -> None:
    with sessions.begin() as writer:
        store.start_cycle(writer, PHOTOS, NOON)
        with open_read_only(path)() as reader:
            assert store.cycle_ids(reader) == []


@BOTH
def test_the_half_commit_of_a_killed_writer_is_taken_back(open_it: Open, path: Path) -> None:
    with open_database(path).begin() as session:
        store.start_cycle(session, PHOTOS * 10_000, NOON)
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA cache_size=1'); c.execute('BEGIN IMMEDIATE');"
        "c.execute('UPDATE cycle SET images_folder = zeroblob(200000)'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.with_name("whisker.db-journal").exists()
    with open_it(path)() as session:
        assert store.load_cycle(session, 1).images_folder == PHOTOS * 10_000


def test_damage_inside_the_file_is_found_before_anything_is_written(path: Path) -> None:
    with open_database(path).begin() as session:
        for _ in range(300):
            store.start_cycle(session, PHOTOS * 20, NOON)
    backup = make_backup(path, NOON).path
    damaged = bytearray(path.read_bytes())
    for start in range(len(damaged) - 5 * 4096, len(damaged), 4096):
        damaged[start : start + 512] = b"\xff" * 512
    path.write_bytes(damaged)
    with pytest.raises(
        DatabaseError,
        match=rf"is damaged .*: `cli.py restore` puts the newest backup, {backup.name} of 2026-03-01",
    ):
        open_database(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("name", ["a b%20c.db", "what?#.db", "caf\udce9.db", "100%d.db"])
def test_the_path_may_have_any_characters(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with open_database(path).begin() as session:
        store.start_cycle(session, PHOTOS, NOON)
    with open_read_only(path)() as session:
        assert store.cycle_ids(session) == [1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_url_of_a_sqlite_file_is_the_same_as_its_path(path: Path) -> None:
    open_database(f"sqlite:///{path}")
    with open_read_only(str(path))() as session:
        assert store.cycle_ids(session) == []


def test_a_database_in_memory_is_refused_because_nothing_would_be_kept() -> None:
    with pytest.raises(BadSettings, match="must name a file"):
        open_database("sqlite://")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"gone/whisker.db does not exist: make it"):
        open_database(tmp_path / "gone" / "whisker.db")
