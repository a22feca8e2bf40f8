"""What is stored of each image is stored in short transactions, so that nobody is locked out for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_database
from jobs.memory import files_of
from jobs.preparation import _store_splits, _stored
from jobs.survey import _keep
from jobs.watching.heartbeat import Heartbeat
from pipeline.evaluate import silent
from pipeline.layout import Layout
from pipeline.scan_result import ScanResult
from tests.db.samples import PHOTOS, file_state, snapshot

AT_ONCE = 3  # rows in a transaction


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sessionmaker[Session]:
    monkeypatch.setattr("db.batches.BATCH", AT_ONCE)
    monkeypatch.setattr("jobs.memory.PAGE", AT_ONCE)
    return open_database(tmp_path / "whisker.db")


@contextmanager
def rows_written(sessions: sessionmaker[Session], table: str) -> Iterator[list[int]]:
    """Give a list of how many rows each transaction has put into a table."""
    engine, rows = sessions.kw["bind"], [0]

    def count(_connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            rows[-1] += cursor.rowcount  # type: ignore[attr-defined]

    def end(_connection: object) -> None:
        rows.append(0)

    event.listen(engine, "after_cursor_execute", count)
    event.listen(engine, "commit", end)
    yield rows
    event.remove(engine, "after_cursor_execute", count)
    event.remove(engine, "commit", end)


def test_a_snapshot_and_its_splits(sessions: sessionmaker[Session]) -> None:
    wanted = snapshot("abcdefgh")
    heartbeat = Heartbeat(sessions, silent, lambda: None)
    with rows_written(sessions, "snapshot_span") as spans:
        snapshot_id = _stored(sessions, wanted, heartbeat)
    assert sum(spans) == len(wanted.images)
    assert max(spans) == AT_ONCE
    assert _stored(sessions, wanted, heartbeat) == snapshot_id
    _store_splits(sessions, wanted)
    with sessions() as session:
        drawn = store.drawn_splits(session, [image.sha256 for image in wanted.images])
    assert drawn == {image.sha256: image.split for image in wanted.images}


def test_what_a_look_has_read(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    files = [file_state(f"cat/{name}.jpg".encode()) for name in "abcdefgh"]
    layout = Layout(False, ("cat",), tmp_path)
    scanned = ScanResult(layout, len(files), tuple(files), (), (), (), {b"cat": "digest"}, None)
    with rows_written(sessions, "file") as rows:
        _keep(sessions, PHOTOS, scanned)
    assert sum(rows) == len(files)
    assert max(rows) == AT_ONCE
    with sessions() as session:
        assert store.known_files(session, PHOTOS) == {file.path: file for file in files}
        assert store.folder_digests(session, PHOTOS) == {b"cat": "digest"}


def test_a_writer_need_not_wait_for_who_reads_the_index(sessions: sessionmaker[Session]) -> None:
    files = [file_state(f"cat/{name}.jpg".encode()) for name in "abcdefgh"]
    with sessions.begin() as session:
        store.save_files(session, PHOTOS, files)
    read = []
    for number, file in enumerate(files_of(sessions, PHOTOS)):
        with sessions.begin() as session:  # would wait for ever, were one being read
            store.save_files(session, "/other", [file_state(f"cat/{number}".encode())])
        read.append(file)
    assert read == files
