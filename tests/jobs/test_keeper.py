"""A lock on a real server: who gets it when its holder dies, is halted, or is cut off."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from db import store
from db.session import open_current, utc_now
from jobs.keeper import Keeper
from jobs.pace import Pace
from jobs.watching.process_identity import HOST_VARIABLE
from pipeline.errors import DatabaseUnreachable, Locked, TakenOver
from tests.conftest import REPOSITORY
from tests.postgres import Server
from tests.tcp_proxy import proxied

PACE = Pace(1.2)
MOST_SECONDS = 30.0  # that anything here may take on a machine that is busy
HOLDER = """
import sys, time
from pathlib import Path
from sqlalchemy import make_url
from db import store
from db.session import open_current, utc_now
from jobs.keeper import Keeper
from jobs.pace import Pace
from pipeline.errors import TakenOver

url = make_url(sys.argv[1])
keeper = Keeper(url, "cycle", "a cycle", Pace(1.2), Path(sys.argv[2]))
keeper.take(patience=0.0, nap=time.sleep)
sessions = keeper.fence(open_current(url))
print("held", flush=True)
input()
try:
    with sessions.begin() as session:
        store.start_cycle(session, "/photos", utc_now())
    print("has written", flush=True)
except TakenOver as error:
    print(error, flush=True)
"""


@pytest.fixture
def url(postgres_url: str) -> URL:
    return make_url(postgres_url)


@pytest.fixture
def owner_file(tmp_path: Path) -> Path:
    return tmp_path / "whisker.owner"


@contextmanager
def held(url: URL, owner_file: Path, *, patience: float = 0.0) -> Iterator[Keeper]:
    keeper = Keeper(url, "cycle", "a cycle", PACE, owner_file)
    keeper.take(patience=patience, nap=time.sleep)
    try:
        yield keeper
    finally:
        keeper.release()


@contextmanager
def holder(url: URL, owner_file: Path, host: str) -> "Iterator[subprocess.Popen[str]]":
    """Give another process that holds the lock; it writes once something is written to it."""
    command = [sys.executable, "-c", HOLDER, url.render_as_string(hide_password=False), str(owner_file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY, env=os.environ | {HOST_VARIABLE: host}
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + MOST_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_lost(keeper: Keeper) -> bool:
    try:
        keeper.require()
    except TakenOver:
        return True
    return False


def cycles(url: URL) -> int:
    with open_current(url)() as session:
        return len(store.cycle_ids(session))


def test_the_second_one_is_told_who_holds_it_and_the_first_is_undisturbed(url: URL, owner_file: Path) -> None:
    with (
        holder(url, owner_file, "elsewhere") as first,
        pytest.raises(Locked, match=rf"a cycle, process {first.pid} on elsewhere, since 20") as refused,
        held(url, owner_file),
    ):
        pass
    assert refused.value.exit_status == 75


def test_a_holder_that_ends_leaves_it_to_the_next_one_at_once(url: URL, owner_file: Path) -> None:
    with held(url, owner_file):
        assert owner_file.exists()
    with held(url, owner_file) as keeper:
        keeper.require()
        with keeper.fence(open_current(url)).begin() as session:
            store.start_cycle(session, "/photos", utc_now())
    assert not owner_file.exists()
    assert cycles(url) == 1


@pytest.mark.parametrize("host", ["", "elsewhere"])
def test_a_killed_holder_leaves_it_to_who_asks_whatever_host_it_was_on(
    host: str, url: URL, owner_file: Path
) -> None:
    with holder(url, owner_file, host) as first:
        first.kill()
        first.wait()
        with held(url, owner_file, patience=MOST_SECONDS):
            pass


def test_who_was_halted_has_lost_it_and_writes_no_more(url: URL, owner_file: Path) -> None:
    with holder(url, owner_file, "elsewhere") as first:
        first.send_signal(signal.SIGSTOP)
        with held(url, owner_file, patience=MOST_SECONDS):
            first.send_signal(signal.SIGCONT)
            out, _ = first.communicate("go on\n")
    assert "taken over" in out
    assert cycles(url) == 0


def test_who_is_cut_off_from_the_server_learns_it_from_the_home(
    url: URL, owner_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(url.render_as_string(hide_password=False)) as (proxy, through):
        first = Keeper(make_url(through), "cycle", "a cycle", PACE, owner_file)
        first.take(patience=0.0, nap=time.sleep)
        sessions = first.fence(open_current(make_url(through)))
        monkeypatch.setenv(HOST_VARIABLE, "elsewhere")
        proxy.swallow()
        with held(url, owner_file, patience=MOST_SECONDS) as second:
            wait_for(lambda: is_lost(first))
            second.require()
            proxy.mend()
            with pytest.raises(TakenOver), sessions.begin() as session:
                store.start_cycle(session, "/photos", utc_now())
            first.release()
            assert owner_file.exists(), "it is not that of the first one"
            second.require()
    assert cycles(url) == 0


def test_a_connection_that_is_ended_is_taken_again_before_those_who_wait(
    url: URL, owner_file: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[str] = []

    def enough(_seconds: float) -> None:
        time.sleep(0.02)
        if len(others) > 100:
            raise Interrupted

    with held(url, owner_file) as first:
        sessions = first.fence(open_current(url))
        monkeypatch.setenv(HOST_VARIABLE, "elsewhere")
        postgres.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'"
        )
        second = Keeper(url, "cycle", "a cycle", PACE, owner_file)
        with pytest.raises(Interrupted):
            second.take(patience=0.0, nap=enough, stand_by=others.append)
        first.require()
        with sessions.begin() as session:
            store.start_cycle(session, "/photos", utc_now())
    assert "may come back" in others[0]
    assert "a cycle, process" in others[-1]
    assert cycles(url) == 1


class Interrupted(Exception):
    pass


def test_a_server_that_is_away_takes_the_lock_from_nobody(url: URL, owner_file: Path) -> None:
    with proxied(url.render_as_string(hide_password=False)) as (proxy, through):
        keeper = Keeper(make_url(through), "cycle", "a cycle", PACE, owner_file)
        keeper.take(patience=0.0, nap=time.sleep)
        sessions = keeper.fence(open_current(make_url(through)))
        before = proxy.connections
        proxy.cut()
        with pytest.raises(DatabaseUnreachable), sessions.begin() as session:
            store.cycle_ids(session)
        time.sleep(PACE.silence_seconds)
        keeper.require()
        proxy.mend()
        wait_for(lambda: proxy.connections > before)
        with sessions.begin() as session:
            store.start_cycle(session, "/photos", utc_now())
        keeper.require()
        keeper.release()
    assert cycles(url) == 1
