"""Real workers, and what becomes of their chunks when they die, hang, or come late."""

import json
import signal
import subprocess
from collections.abc import Callable

import pytest

from db import store
from jobs.sharing.scan import SharedReading
from jobs.watching.process_identity import fields_of_stat
from pipeline.read_files import read_files
from pipeline.records import FileState
from tests.jobs.sharing.conftest import ONLY_POSTGRES, ONLY_SQLITE, Place
from tests.processes import command, read_until


def read_alone(place: Place) -> list[FileState | None]:
    return sorted_states([state for _, state in read_files(place.images, place.new_files())])


def read_shared(place: Place, owner_waits: Callable[[], bool]) -> list[FileState | None]:
    """Read all files with whoever is there; the owner does none before something has happened."""
    owner = place.owner()
    reading = SharedReading(owner, place.waiting(owner, owner_waits))
    return sorted_states([state for _, state in reading(place.images, place.new_files())])


def sorted_states(states: list[FileState | None]) -> list[FileState | None]:
    return sorted(states, key=lambda state: state.path if state else b"")


def run_worker(place: Place, option: str) -> "subprocess.CompletedProcess[str]":
    arguments = command("--home", place.home.folder, "work", "--images", place.images, option)
    return subprocess.run(arguments, env=place.environment, capture_output=True, text=True, check=False)


def is_halted(process: "subprocess.Popen[str]") -> bool:
    return fields_of_stat(process.pid)[0] == "T"


def test_workers_read_what_one_process_would_have_read(place: Place) -> None:
    with place.worker(), place.worker():
        place.wait_for_workers(2)
        assert read_shared(place, lambda: place.chunks_done() > 0) == read_alone(place)


@ONLY_SQLITE
def test_a_worker_that_comes_in_the_middle_takes_part_in_the_rest(place: Place) -> None:
    moments = iter(range(0, 10**6, 10))  # so that each look for workers is one at the database
    owner = place.owner(monotonic=lambda: float(next(moments)))
    reading = SharedReading(owner, place.waiting(owner, lambda: place.chunks_done() > 0))
    readings = reading(place.images, place.new_files())
    first = [next(readings)]
    with place.worker():
        place.wait_for_workers(1)
        assert sorted_states([state for _, state in (*first, *readings)]) == read_alone(place)


def test_the_chunk_of_a_worker_that_is_killed_is_done_again(place: Place) -> None:
    with place.worker(WHISKER_FAILPOINT="in_chunk@5:kill") as worker:
        place.wait_for_workers(1)
        assert read_shared(place, lambda: worker.poll() is not None) == read_alone(place)
        assert worker.wait() == -signal.SIGKILL


def test_a_worker_that_was_halted_for_too_long_gives_up_its_chunk(place: Place) -> None:
    with place.worker(WHISKER_FAILPOINT="in_chunk@5:stop") as worker:
        place.wait_for_workers(1)
        assert read_shared(place, lambda: is_halted(worker)) == read_alone(place)
        worker.send_signal(signal.SIGCONT)
        read_until(worker, "a chunk is somebody else's by now, or its job has ended")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait() == 0


@ONLY_POSTGRES
def test_a_worker_that_is_asked_to_stop_gives_its_chunk_back_at_once(place: Place) -> None:
    owner = place.owner()
    owner.lease_seconds = 10_000
    with place.worker(WHISKER_FAILPOINT="in_chunk@5:term") as worker:
        place.wait_for_workers(1)
        reading = SharedReading(owner, place.waiting(owner, lambda: worker.poll() is not None))
        states = [state for _, state in reading(place.images, place.new_files())]
        assert sorted_states(states) == read_alone(place)
        assert worker.wait() == 0


@ONLY_SQLITE
@pytest.mark.parametrize("option", ["--once", "--until-idle"])
def test_a_worker_ends_where_there_is_nothing_to_do(place: Place, option: str) -> None:
    done = run_worker(place, option)
    assert (done.returncode, done.stdout) == (0, "0 chunks done\n")


@ONLY_POSTGRES
def test_a_worker_of_another_version_says_so_and_ends(place: Place) -> None:
    with place.owner().sessions.begin() as session:
        store.add_job(session, "scan", {"program": {"whisker": "0.0.1"}}, 10, 1000)
    done = run_worker(place, "--until-idle")
    assert (done.returncode, done.stdout) == (2, "")
    assert "this worker has another program than the cycle" in done.stderr
    with place.sessions()() as session:
        assert store.list_workers(session) == []


@pytest.mark.long
@ONLY_SQLITE
def test_a_cycle_that_is_killed_leaves_its_workers_to_the_next_one(place: Place) -> None:
    """The first dies in the frozen pass; the second takes its job back and shares the same work anew."""
    options = ("run-now", "--images", place.images, "--no-baseline")
    arguments = command("--home", place.home.folder, "--json", *options)
    with place.worker() as worker:
        place.wait_for_workers(1)
        killed = place.environment | {"WHISKER_FAILPOINT": "in_features@2:kill"}
        assert subprocess.run(arguments, env=killed, capture_output=True, check=False).returncode == -9
        with place.sessions()() as session:
            (left,) = store.open_jobs(session)
        done = subprocess.run(arguments, env=place.environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert worker.poll() is None
        with place.sessions()() as session:
            assert store.open_jobs(session) == []
            assert [w.chunks_done > 0 for w in store.list_workers(session)] == [True]
    assert left.kind == "features"
    assert json.loads(done.stdout)["status"] == "finished"
