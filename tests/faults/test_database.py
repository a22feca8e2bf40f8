"""A database that somebody holds, that is damaged, or that a newer Whisker has made."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from db.revisions import VERSIONS, known_revisions
from tests.faults.conftest import Injected
from tests.faults.subject import Subject
from tests.faults.test_disk import one_sentence
from tests.faults.whole import facts_of

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold(database: Path, seconds: float) -> "subprocess.Popen[str]":
    """Hold the database in another process; it is held when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, database, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.long
def test_somebody_who_holds_the_database_for_seconds_is_waited_for(
    settled: Subject, injected: Injected
) -> None:
    before = facts_of(settled)
    with hold(settled.home / "whisker.db", 4.0):
        done = settled.run("run-now")
    assert done.returncode == 0, done.stderr
    injected("database held for 4 s", "waited for", settled, before)


@pytest.mark.long
def test_somebody_who_holds_the_database_for_a_minute_ends_the_look_with_a_sentence(
    settled: Subject, injected: Injected
) -> None:
    before = facts_of(settled)
    with hold(settled.home / "whisker.db", 60.0):
        done = settled.run("run-now")
    assert done.returncode == 1, done.stderr
    assert "busy" in one_sentence(done)
    assert settled.run("run-now").returncode == 0
    injected("database held for 60 s", "one sentence; works again", settled, before)


def header(data: bytes) -> bytes:
    return bytes(100) + data[100:]


def pages(data: bytes) -> bytes:
    return data[:8192] + bytes(3 * 4096) + data[8192 + 3 * 4096 :]


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def nothing(_data: bytes) -> bytes:
    return b""


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (header, pages, half, nothing)


@pytest.mark.parametrize(
    "damage", [pages, *(pytest.param(d, marks=pytest.mark.long) for d in (header, half, nothing))]
)
def test_a_damaged_database_is_refused_and_the_backup_leads_back(
    damage: Callable[[bytes], bytes], settled: Subject, injected: Injected
) -> None:
    database = settled.home / "whisker.db"
    assert settled.run("backup").returncode == 0
    before = facts_of(settled)
    damaged = damage(database.read_bytes())
    database.write_bytes(damaged)
    done = settled.run("run-now")
    assert done.returncode == 1, done.stderr
    assert "restore" in one_sentence(done), done.stderr
    assert database.read_bytes() == damaged, "a damaged database is evidence, and not written to"
    mended = settled.run("restore")
    assert mended.returncode == 0, mended.stderr
    assert any(path.read_bytes() == damaged for path in settled.home.rglob("*.db*") if path.is_file())
    assert settled.run("run-now").returncode == 0
    injected("damaged database", "refused; `restore` leads back", settled, before)


def test_a_database_of_a_newer_whisker_is_not_touched(settled: Subject, injected: Injected) -> None:
    database = settled.home / "whisker.db"
    before = facts_of(settled)
    set_revision(database, "9999")
    newer = database.read_bytes()
    for command in ("run-now", "runs"):
        done = settled.run(command)
        assert done.returncode == 1, (command, done.stderr)
        assert "newer" in one_sentence(done)
    assert database.read_bytes() == newer
    set_revision(database, known_revisions(VERSIONS)[-1])
    assert settled.run("run-now").returncode == 0
    injected("database of a newer version", "refused; not a byte changed", settled, before)


def set_revision(database: Path, revision: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
