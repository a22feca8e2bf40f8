"""The server of the tests itself: that it is real, and that nothing of it stays."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.conftest import REPOSITORY
from tests.postgres import Server, running_server

START_AND_WAIT = """
from tests.postgres import running_server
with running_server() as server:
    print(server.folder, flush=True)
    input()
"""


def test_each_test_has_a_database_of_its_own(postgres: Server) -> None:
    with postgres.database() as first, postgres.database() as second:
        for url in (first, second):
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                connection.execute("CREATE TABLE file (id integer)")
                assert connection.execute("SELECT current_user").fetchall() == [("whisker",)]
    left = {name for (name,) in postgres.sql("SELECT datname FROM pg_database")}
    assert left.isdisjoint({first.rpartition("/")[2], second.rpartition("/")[2]})


def test_a_server_that_was_stopped_comes_back_with_its_rows() -> None:
    with running_server() as server:
        server.sql("CREATE TABLE kept AS SELECT 7 AS number")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            server.sql("SELECT 1")
        server.start()
        assert server.sql("SELECT number FROM kept") == [(7,)]
        folder = server.folder
    assert not folder.exists()


def test_the_server_ends_where_the_tests_are_killed() -> None:
    command = [sys.executable, "-c", START_AND_WAIT]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as tests:
        assert tests.stdout is not None
        folder = Path(tests.stdout.readline().strip())
        assert folder.exists()
        tests.kill()
        tests.stdout.read()  # to its end, which comes when whoever watches over the server is gone
    assert not folder.exists()
