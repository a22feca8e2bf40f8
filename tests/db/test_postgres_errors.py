"""What a real server fails by, in sentences. No sentence has the password."""

import os
import secrets
import traceback
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from db import store
from db.session import open_database, open_read_only
from db.snapshots import store_images
from db.tables import ThumbnailRow
from pipeline.errors import (
    BadSettings,
    DatabaseBusy,
    DatabaseError,
    DatabaseUnreachable,
    DiskFull,
    WhiskerError,
)
from tests.db.samples import NOON, PHOTOS
from tests.postgres import GUARDED, OWNER, PASSWORD, Server, running_server
from tests.small_disk import mounted

AT = r"postgresql://whisker@127\.0\.0\.1:\d+"
Url = Callable[[Server, str], str]
UNUSABLE: dict[str, tuple[Url, type[WhiskerError], str]] = {
    "no such database": (
        lambda server, _: server.url("nosuch"),
        DatabaseError,
        rf"{AT}/nosuch is not there \(database \"nosuch\" does not exist\): make it with `createdb`",
    ),
    "no such user": (
        lambda server, name: server.url(name, "stranger"),
        DatabaseError,
        r"does not take the user and password of database_url \(role \"stranger\" does not exist\)",
    ),
    "a wrong password": (
        lambda server, name: server.url(name, GUARDED, "se%2Fcret"),
        DatabaseError,
        r"does not take the user and password of database_url \(password authentication failed",
    ),
    "no password": (
        lambda server, name: server.url(name, GUARDED),
        DatabaseError,
        r"does not take .*no password supplied",
    ),
    "no server": (
        lambda _, name: f"postgresql+psycopg://{OWNER}:se%2Fcret@127.0.0.1:1/{name}",
        DatabaseUnreachable,
        r"whisker:\*\*\*@127.0.0.1:1/home\d+ cannot be reached \(.*Connection refused\): check that",
    ),
    "no host": (
        lambda _, name: f"postgresql+psycopg://{OWNER}:se%2Fcret@host.invalid/{name}",
        DatabaseUnreachable,
        r"@host.invalid/home\d+ cannot be reached",
    ),
    "no encryption": (
        lambda server, name: server.url(name) + "?sslmode=require",
        DatabaseUnreachable,
        "cannot be reached .*SSL",
    ),
    "no right to make tables": (
        lambda server, _: server.url("postgres"),
        DatabaseError,
        r"does not let our user do what it must \(permission denied for schema public\)",
    ),
    "no schema": (
        lambda server, name: server.url(name) + "?options=-csearch_path%3Dnosuch",
        DatabaseError,
        "has no schema for us",
    ),
}


WRONG_OPTIONS = {
    "sslmoode=require": 'invalid connection option "sslmoode"',
    "sslmode=often": 'invalid sslmode value: "often"',
    "connect_timeout=soon": "bad value for connect_timeout",
    "options=-cpatience%3Dlong": 'unrecognized configuration parameter "patience"',
    "options=-clock_timeout%3Dlong": "invalid value for parameter",
}


@pytest.fixture(scope="module")
def bare(postgres: Server) -> Iterator[str]:
    """Return the name of a database without tables."""
    with postgres.database() as url:
        yield url.rpartition("/")[2]


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_database_that_cannot_be_used(what: str, postgres: Server, bare: str) -> None:
    url, kind, sentence = UNUSABLE[what]
    with pytest.raises(kind, match=sentence) as caught:
        open_database(url(postgres, bare))
    assert type(caught.value) is kind
    assert "se/cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("option", WRONG_OPTIONS)
def test_an_option_that_means_nothing_is_a_wrong_setting(option: str, postgres: Server, bare: str) -> None:
    with pytest.raises(BadSettings, match=r"correct what stands behind `\?` in it") as caught:
        open_database(f"{postgres.url(bare)}?{option}")
    assert WRONG_OPTIONS[option] in str(caught.value)


def test_a_user_with_a_password_gets_in(postgres: Server, empty_postgres_url: str) -> None:
    name = empty_postgres_url.rpartition("/")[2]
    postgres.sql(f"GRANT {OWNER} TO {GUARDED}")
    with open_read_only(
        postgres.url(name, GUARDED, PASSWORD.replace("/", "%2F").replace("@", "%40"))
    )() as session:
        assert store.cycle_ids(session) == []


def test_a_server_that_takes_no_more_connections_is_busy(postgres: Server, bare: str) -> None:
    postgres.sql(f"ALTER DATABASE {bare} CONNECTION LIMIT 0")
    with pytest.raises(DatabaseBusy, match=r"lacks room for us \(too many connections for database"):
        open_database(postgres.url(bare))
    postgres.sql(f"ALTER DATABASE {bare} CONNECTION LIMIT -1")


def test_a_connection_that_the_server_ends_is_reported_and_the_next_transaction_goes_on(
    postgres: Server, empty_postgres_url: str
) -> None:
    sessions = open_database(empty_postgres_url)
    with pytest.raises(DatabaseUnreachable, match="terminating connection"), sessions.begin() as session:
        store.start_cycle(session, PHOTOS, NOON)
        postgres.sql(f"SELECT pg_terminate_backend({session.scalar(text('SELECT pg_backend_pid()'))})")
        store.start_cycle(session, PHOTOS, NOON)
    with sessions.begin() as session:
        assert store.cycle_ids(session) == []


def test_a_server_that_stops_is_reported_and_what_was_stored_is_there_when_it_comes_back() -> None:
    with running_server() as server:
        sessions = open_database(server.url(server.new_database()))
        with sessions.begin() as session:
            store.start_cycle(session, PHOTOS, NOON)
        with pytest.raises(DatabaseUnreachable), sessions.begin() as session:
            store.start_cycle(session, PHOTOS, NOON)
            server.stop()
        with pytest.raises(DatabaseUnreachable, match="check that its server runs"):
            sessions().connection()
        server.start()
        with sessions.begin() as session:
            assert store.cycle_ids(session) == [1]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("40001", DatabaseBusy),  # two transactions that cannot both be
        ("40P01", DatabaseBusy),  # a deadlock
        ("57014", DatabaseBusy),  # a statement that took too long
        ("53200", DatabaseBusy),  # no memory
        ("57P03", DatabaseUnreachable),  # starting up
        ("58030", DatabaseError),  # the disk fails
        ("XX001", DatabaseError),  # damage
    ],
)
def test_what_the_server_says_by_a_code(code: str, kind: type[WhiskerError], empty_postgres_url: str) -> None:
    with pytest.raises(kind, match="it is so") as caught, open_database(empty_postgres_url)() as session:
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'it is so' USING ERRCODE = '{code}'; END $$"))
    assert type(caught.value) is kind


def test_an_error_of_our_own_stays_what_it_is(empty_postgres_url: str) -> None:
    with pytest.raises(ProgrammingError, match="nowhere"), open_database(empty_postgres_url)() as session:
        session.execute(text("SELECT 1 FROM nowhere"))


def test_a_full_disk_of_the_server_is_reported_and_nothing_half_is_stored() -> None:
    with running_server() as server:
        disk = server.folder / "disk"
        disk.mkdir()
        owner = server.folder.stat()
        options = f"size=16m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
        with mounted(disk, "-t", "tmpfs", "-o", options, "tmpfs"):
            server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
            sessions = open_database(server.url(server.new_database(options="TABLESPACE small")))
            server.sql("CHECKPOINT")  # what it has to write so far shall not fail
            full = pytest.raises(DiskFull, match="is full: free some space on its server")
            with full, sessions.begin() as session:
                for _ in range(100):
                    session.add(ThumbnailRow(image_id=_image(session), jpeg=os.urandom(1_000_000)))
            with sessions() as session:
                assert session.scalar(select(func.count()).select_from(ThumbnailRow)) == 0
            server.stop()


def _image(session: Session) -> int:
    sha256 = secrets.token_hex(32)
    return store_images(session, [sha256])[sha256]
