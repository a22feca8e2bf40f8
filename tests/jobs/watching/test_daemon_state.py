"""What the daemon knows, in a file."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.watching.attempts import Trouble
from jobs.watching.daemon_state import DaemonState, StateFile, load_state

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATE = DaemonState(
    7, "boot:5", "here", NOON, "every 10m", NOON + timedelta(minutes=10), "wait",
    paused=False, trouble=Trouble(2, True, "the disk is full", NOON, "abc"),
)  # fmt: skip


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "daemon.json"
    StateFile(file).beat(STATE)
    loaded = load_state(file)
    assert loaded is not None
    assert loaded[0] == STATE


def test_a_beat_is_the_time_of_the_file_and_writes_nothing_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "daemon.json"
    kept = StateFile(file)
    kept.beat(STATE)
    inode = file.stat().st_ino
    os.utime(file, (0, 0))
    kept.beat(STATE)
    assert file.stat().st_ino == inode
    loaded = load_state(file)
    assert loaded is not None
    assert loaded[1] > NOON


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}", b'{"pid": 1, "old": true}', b"\xff"])
def test_what_cannot_be_read_is_no_state(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "daemon.json"
    if content is not None:
        file.write_bytes(content)
    assert load_state(file) is None


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    StateFile(tmp_path / "file" / "daemon.json").beat(STATE)
