"""A network that swallows everything: no side of a database connection hears that the other one is gone."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from db.postgres_engine import NOTICED_SECONDS
from tests.conftest import REPOSITORY
from tests.postgres import ACCESS, Server, running_server

pytestmark = pytest.mark.long

HERE, THERE = "10.99.7.1", "10.99.7.2"  # in no network but that of the test
HOLD_THE_LOCK = """
import sys, time
from db.session import open_database
from pipeline.errors import DatabaseUnreachable
from sqlalchemy import text
with open_database(sys.argv[1])() as session:
    session.execute(text("SELECT 1"))
    print("in a transaction", flush=True)
    input()
    began = time.monotonic()
    try:
        session.execute(text("SELECT 1"))
    except DatabaseUnreachable:
        print(time.monotonic() - began, flush=True)
"""
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True).returncode == 0


@contextmanager
def other_host() -> Iterator[tuple[str, str]]:
    """Make a network of two hosts; yield the name of the other one and of the cable that leads there."""
    host, cable = f"whisker{os.getpid()}", f"w{os.getpid()}"
    if not shutil.which("ip") or not ip("netns", "add", host):
        pytest.skip("only root may make a network of its own")
    try:
        ip("link", "add", cable, "type", "veth", "peer", "name", "far", "netns", host)
        ip("addr", "add", f"{HERE}/24", "dev", cable)
        ip("link", "set", cable, "up")
        ip("-n", host, "addr", "add", f"{THERE}/24", "dev", "far")
        ip("-n", host, "link", "set", "far", "up")
        yield host, cable
    finally:
        ip("netns", "del", host)  # and with it both ends of the cable


def test_both_sides_give_up_after_the_stated_time_and_the_lock_is_free_again() -> None:
    with other_host() as (host, cable), running_server(listen_addresses=f"127.0.0.1,{HERE}") as server:
        admit(server)
        url = f"postgresql://whisker@{HERE}:{server.port}/{server.new_database()}"
        command = ["ip", "netns", "exec", host, sys.executable, "-c", HOLD_THE_LOCK, url]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stdout.readline() == "in a transaction\n"
            ip("link", "set", cable, "down")
            began = time.monotonic()
            client.stdin.write("\n")
            client.stdin.flush()
            while server.sql(LOCKS) != [(0,)]:
                assert time.monotonic() < began + 2 * NOTICED_SECONDS, "the server keeps the lock"
                time.sleep(1)
            assert float(client.stdout.readline()) < 2 * NOTICED_SECONDS


def admit(server: Server) -> None:
    """Let the other host in."""
    (server.folder / "data" / "pg_hba.conf").write_text(f"{ACCESS}host all all {THERE}/32 trust\n")
    server.sql("SELECT pg_reload_conf()")
