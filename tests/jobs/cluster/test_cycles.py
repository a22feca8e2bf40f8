"""The program itself: a cycle over two workers that is cut off, and goes on with nodes started by hand."""

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.faults.outcome import rows
from tests.faults.subject import Subject, make_subject
from tests.jobs.cluster.jobs import node, processes_in

CLUSTER = '[cluster]\nhosts = ["localhost", "localhost"]\npatience = "20s"\n'
STOPS = "after_checkpoint:stop"  # worker 0, so that there is time to cut the cycle off
LIMIT = 60.0  # seconds; a second or two would do


@pytest.fixture
def subject(drawn: Path, tiny_weights: Path, tmp_path: Path) -> Iterator[Subject]:
    yield make_subject(tmp_path, drawn, tiny_weights, more=CLUSTER, of_recipe="epochs = 3\nmomentum = 0.9")
    for process in processes_in(tmp_path):
        process.kill()


def wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def stands_still(subject: Subject) -> bool:
    worker = node(subject.home.parent, "worker", 0)
    with suppress(psutil.NoSuchProcess):
        return worker is not None and worker.status() == psutil.STATUS_STOPPED
    return False


@contextmanager
def standing_by(subject: Subject, role: str, index: int) -> Iterator[None]:
    """Let a node take part in what comes while the block runs."""
    with subject.start("cluster-node", "--role", role, "--index", index, "--stay", "--wait", "1m") as process:
        yield
        process.terminate()


def test_a_cycle_that_is_cut_off_leaves_no_process_and_goes_on_with_nodes_started_by_hand(
    subject: Subject,
) -> None:
    with subject.start("run-now", "--no-baseline", failpoint=STOPS) as process:
        wait_until(lambda: stands_still(subject))
        process.kill()
    wait_until(lambda: processes_in(subject.home) == [])

    by_hand = replace(subject, extra={"WHISKER_CLUSTER_START": "by-hand"})
    with (
        standing_by(by_hand, "server", 0),
        standing_by(by_hand, "worker", 1),
        by_hand.start("run-now", "--no-baseline") as process,
    ):
        assert process.stderr is not None
        command = next(
            m[1]
            for line in process.stderr
            if (m := re.search("start on localhost: (.*worker --index 0.*)", line))
        )
        started = subprocess.run(shlex.split(command), env=by_hand.environment(), timeout=LIMIT, check=False)
        _, said = process.communicate(timeout=LIMIT)
    assert (started.returncode, process.returncode) == (0, 0), said
    assert rows(subject, "SELECT status, resumes FROM cycle") == [("finished", 1)]  # after one crash
    assert rows(subject, "SELECT epoch FROM epoch ORDER BY epoch") == [(1,), (2,), (3,)]
    ((notes,),) = rows(subject, "SELECT notes FROM run")
    assert "trained by 2 workers, 1 server" in notes
    assert "went on after epoch 1" in notes
    assert list((subject.home / "checkpoints").iterdir()) == []
    wait_until(lambda: processes_in(subject.home) == [])
