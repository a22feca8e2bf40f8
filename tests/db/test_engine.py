"""What a connection to either kind of database promises, with real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_database
from tests.conftest import REPOSITORY
from tests.db.samples import begin_cycle, begin_run

ADD_NOTES = """
import sys
from db import store
from db.session import open_database
sessions = open_database(sys.argv[1])
for number in range(200):
    with sessions.begin() as session:
        store.add_note(session, 1, f"{sys.argv[2]} {number}")
"""

ADD_EPOCHS = """
import sys
from itertools import count
from db import store
from db.session import open_database
from pipeline.records import EpochMetrics
sessions = open_database(sys.argv[1])
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
    where: Path | str, sessions: sessionmaker[Session], run_id: int
) -> None:
    writers = [start(ADD_NOTES, str(where), name) for name in ("first", "second")]
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
    where: Path | str, sessions: sessionmaker[Session], run_id: int, after: int
) -> None:
    with start(ADD_EPOCHS, str(where)) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) == after:
                writer.send_signal(signal.SIGKILL)
                break
        acknowledged = [after, *map(int, writer.stdout.read().split())][-1]
    with open_database(where)() as session:
        stored = [metrics.epoch for metrics in store.load_run(session, run_id).run.epochs]
    assert stored[:acknowledged] == list(range(1, acknowledged + 1))
    assert len(stored) <= acknowledged + 1


def test_a_row_that_others_need_cannot_be_deleted(session: Session, sessions: sessionmaker[Session]) -> None:
    begin_run(session, begin_cycle(session)[0])
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text("DELETE FROM cycle"))
