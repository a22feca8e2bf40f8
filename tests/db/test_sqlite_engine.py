"""What the set-up of a connection to SQLite promises."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.engine import create_database_engine
from db.session import open_database
from db.sqlite_engine import journal_mode
from pipeline.errors import DatabaseBusy, DiskFull
from tests.db.samples import NOON, ONLY_SQLITE, begin_cycle, begin_run


@ONLY_SQLITE
def test_a_connection_is_set_up_for_safety(session: Session) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    found = [session.execute(text(f"PRAGMA {pragma}")).scalar_one() for pragma in pragmas]
    assert found == [journal_mode().lower(), 2, 1]


@pytest.mark.parametrize(
    ("version", "mode"),
    [((3, 40, 1), "DELETE"), ((3, 51, 2), "DELETE"), ((3, 51, 3), "WAL"), ((4, 0, 0), "WAL")],
)
def test_the_write_ahead_log_is_used_only_where_it_cannot_corrupt(
    version: tuple[int, int, int], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert journal_mode() == mode


def test_the_database_works_with_a_write_ahead_log_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    with open_database(path).begin() as session:
        begin_run(session, begin_cycle(session)[0])
        assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@ONLY_SQLITE
def test_a_transaction_waits_for_another_program_and_then_goes_on(
    path: Path, sessions: sessionmaker[Session]
) -> None:
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.5, holder.close).start()
    with sessions.begin() as session:
        assert store.start_cycle(session, "/photos", NOON) == 1


@ONLY_SQLITE
def test_a_database_that_stays_busy_is_reported_in_one_sentence(
    path: Path, sessions: sessionmaker[Session]
) -> None:
    engine = create_database_engine(f"sqlite:///{path}", busy_seconds=0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(
            DatabaseBusy, match=r"whisker.db was busy for .*; close that program or try again"
        ):
            engine.connect().begin()


@ONLY_SQLITE
def test_a_full_disk_is_reported_in_one_sentence_and_nothing_half_is_stored(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        session.execute(text("PRAGMA max_page_count=1"))  # SQLite takes the present size at least
        with pytest.raises(DiskFull, match=r"the disk of the database .*whisker.db is full: free"):
            for number in range(100):
                store.start_cycle(session, "/photos" * 500 + str(number), NOON)
        session.rollback()
    with sessions() as session:
        assert store.cycle_ids(session) == []
