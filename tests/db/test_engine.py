"""What the set-up of a connection promises, with real processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.engine import create_database_engine, journal_mode
from db.session import open_database
from pipeline.errors import BadSettings, DatabaseBusy, DiskFull
from tests.conftest import REPOSITORY
from tests.db.samples import NOON, begin_cycle, begin_run

ADD_NOTES = """
import sys
from pathlib import Path
from db import store
from db.session import open_database
sessions = open_database(Path(sys.argv[1]))
for number in range(200):
    with sessions.begin() as session:
        store.add_note(session, 1, f"{sys.argv[2]} {number}")
"""

ADD_EPOCHS = """
import sys
from itertools import count
from pathlib import Path
from db import store
from db.session import open_database
from pipeline.records import EpochMetrics
sessions = open_database(Path(sys.argv[1]))
for number in count(1):
    with sessions.begin() as session:
        store.add_epoch(session, 1, EpochMetrics(number, "head", 0.5, 0.5, 0.5, 0.5, 0.5))
    print(number, flush=True)
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def run_id(sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as session:
        return begin_run(session, begin_cycle(session)[0])


def test_two_processes_that_read_and_then_write_lose_nothing(
    path: Path, sessions: sessionmaker[Session], run_id: int
) -> None:
    writers = [start(ADD_NOTES, str(path), name) for name in ("first", "second")]
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    with sessions() as session:
        notes = store.load_run(session, run_id).run.notes
    assert sorted(notes) == sorted(
        f"{name} {number}" for name in ("first", "second") for number in range(200)
    )


@pytest.mark.parametrize("after", [1, 7, 20])
def test_a_killed_writer_loses_no_epoch_that_it_has_acknowledged(
    path: Path, sessions: sessionmaker[Session], run_id: int, after: int
) -> None:
    with start(ADD_EPOCHS, str(path)) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) == after:
                writer.send_signal(signal.SIGKILL)
                break
        acknowledged = [after, *map(int, writer.stdout.read().split())][-1]
    with open_database(path)() as session:
        stored = [metrics.epoch for metrics in store.load_run(session, run_id).run.epochs]
    assert stored[:acknowledged] == list(range(1, acknowledged + 1))
    assert len(stored) <= acknowledged + 1


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


def test_a_row_that_others_need_cannot_be_deleted(session: Session, sessions: sessionmaker[Session]) -> None:
    begin_run(session, begin_cycle(session)[0])
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text("DELETE FROM cycle"))


def test_a_transaction_waits_for_another_program_and_then_goes_on(
    path: Path, sessions: sessionmaker[Session]
) -> None:
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.5, holder.close).start()
    with sessions.begin() as session:
        assert store.start_cycle(session, "/photos", NOON) == 1


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


@pytest.mark.parametrize("url", ["no url", "nosuch://host/db", "mysql+nosuchdriver://host/db"])
def test_a_url_that_means_nothing_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="write sqlite:///PATH"):
        create_database_engine(url)
