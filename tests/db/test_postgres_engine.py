"""What the set-up of a connection to PostgreSQL promises, on a real server."""

import sys

import pytest
from sqlalchemy import text

from db import store
from db.engine import create_database_engine
from db.session import open_again, open_current, open_database, open_read_only
from pipeline.errors import BadSettings, DatabaseBusy, DatabaseError
from tests.db.samples import NOON, PHOTOS
from tests.postgres import Server


def test_writers_come_one_after_another_and_one_who_waits_too_long_says_so(empty_postgres_url: str) -> None:
    quick = open_current(empty_postgres_url, busy_seconds=0.1)
    with open_database(empty_postgres_url).begin() as first:
        store.start_cycle(first, PHOTOS, NOON)
        with pytest.raises(DatabaseBusy, match=r"busy for 0.1 seconds .*; close that program or try again"):
            quick().connection()
    with quick.begin() as second:
        assert store.cycle_ids(second) == [1]


def test_a_fact_that_stands_by_itself_waits_for_no_writer(empty_postgres_url: str) -> None:
    with open_database(empty_postgres_url).begin() as writer:
        store.start_cycle(writer, PHOTOS, NOON)
        with open_again(empty_postgres_url, 0.1).begin() as beside:
            assert store.cycle_ids(beside) == []
            store.clear_activity(beside)


def test_a_reader_sees_one_state_and_can_neither_wait_nor_write(empty_postgres_url: str) -> None:
    with open_read_only(empty_postgres_url)() as reader:
        assert store.cycle_ids(reader) == []
        with open_database(empty_postgres_url).begin() as writer:
            store.start_cycle(writer, PHOTOS, NOON)
        assert store.cycle_ids(reader) == []
        reader.rollback()
        assert store.cycle_ids(reader) == [1]
        with pytest.raises(DatabaseError, match="cannot be written"):
            store.start_cycle(reader, PHOTOS, NOON)


def test_two_homes_in_two_schemas_of_one_database_have_nothing_in_common(postgres: Server) -> None:
    with postgres.database() as url:
        name = url.rpartition("/")[2]
        urls = [f"{url}?options=-csearch_path%3D{schema}" for schema in ("one", "two")]
        for schema in ("one", "two"):
            postgres.sql(f"CREATE SCHEMA {schema} AUTHORIZATION whisker", name)
        one, two = map(open_database, urls)
        with one.begin() as first, two.begin() as second:
            store.start_cycle(first, PHOTOS, NOON)
            assert store.cycle_ids(second) == []


def test_either_side_notices_within_a_stated_time_that_the_other_one_is_gone(empty_postgres_url: str) -> None:
    with create_database_engine(empty_postgres_url, busy_seconds=1.5).begin() as connection:
        names = ("lock_timeout", "tcp_keepalives_idle", "tcp_user_timeout", "TimeZone")
        assert [connection.scalar(text(f"SHOW {name}")) for name in names] == ["1500ms", "10", "30000", "UTC"]
        driver = connection.connection.driver_connection
        assert driver is not None
        chosen = driver.info.get_parameters()
        assert (chosen["keepalives_idle"], chosen["tcp_user_timeout"]) == ("10", "30000")


def test_no_connection_stays_open_between_transactions(postgres: Server, empty_postgres_url: str) -> None:
    with open_database(empty_postgres_url).begin() as session:
        store.start_cycle(session, PHOTOS, NOON)
    postgres.sql("SELECT pg_stat_clear_snapshot()")
    database = empty_postgres_url.rpartition("/")[2]
    query = (
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event = 'ClientRead'"
    )
    assert postgres.sql(query) == [(0,)]


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://whisker@127.0.0.1:{port}/{name}",  # as other programs write it
        "postgresql+psycopg://whisker@/{name}?host={folder}&port={port}",  # a socket of this machine
        "postgresql://whisker@/{name}?host=127.0.0.1:1&host=127.0.0.1:{port}",  # the first that answers
        "postgresql+psycopg://whisker@127.0.0.1:{port}/{name}?connect_timeout=5&application_name=here",
    ],
)
def test_a_server_is_found_by_every_form_of_address(
    form: str, postgres: Server, empty_postgres_url: str
) -> None:
    name = empty_postgres_url.rpartition("/")[2]
    url = form.format(port=postgres.port, name=name, folder=postgres.folder)
    with open_read_only(url)() as session:
        assert store.cycle_ids(session) == []
    with open_current(url).begin() as session:
        assert store.start_cycle(session, PHOTOS, NOON) == 1


def test_a_missing_driver_is_said_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        BadSettings, match=r"needs the package psycopg; run `pip install 'whisker\[postgres\]'`"
    ):
        create_database_engine("postgresql+psycopg://host/db")
