from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, select
from sqlalchemy.exc import StatementError
from sqlalchemy.types import TypeEngine

from db.columns import FolderPath, Instant, Probabilities, Sentence, Signed64, Unsigned64
from db.engine import create_database_engine
from tests.postgres import Server

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)
BRIEF = settings(max_examples=50, deadline=None)

Back = Callable[[TypeEngine[Any], Any], Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def back(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Back]:
    """Return what stores a value in a column of a type, and reads it again."""
    where: Path | str = tmp_path_factory.mktemp("columns") / "one.db"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        where = server.url(server.new_database())
    with create_database_engine(where).begin() as connection:
        yield partial(stored_and_read, connection)


def stored_and_read(connection: Connection, column: TypeEngine[Any], value: Any) -> Any:
    with connection.begin_nested() as savepoint:
        table = Table("only", MetaData(), Column("value", column))
        table.create(connection)
        connection.execute(table.insert().values(value=value))
        returned = connection.scalar(select(table.c.value))
        savepoint.rollback()
    return returned


@BRIEF
@given(INSTANTS)
def test_an_instant_comes_back_the_same_and_in_utc(back: Back, instant: datetime) -> None:
    returned = back(Instant(), instant)
    assert returned == instant
    assert returned.utcoffset() == timedelta(0)


def test_a_naive_datetime_is_refused(back: Back) -> None:
    with pytest.raises(StatementError, match="needs a time zone"):
        back(Instant(), datetime(2026, 3, 1))


@BRIEF
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5).map(tuple))
def test_probabilities_come_back_exactly(back: Back, values: tuple[float, ...]) -> None:
    assert back(Probabilities(), values) == values


@BRIEF
@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_a_folder_need_not_be_utf8(back: Back, name: bytes) -> None:
    folder = "/photos/" + name.decode("utf-8", "surrogateescape")
    assert back(FolderPath(), folder) == folder


def test_a_sentence_about_a_file_that_is_not_utf8_can_be_stored(back: Back) -> None:
    assert back(Sentence(), "cannot read caf\udce9.jpg") == "cannot read caf\\udce9.jpg"


def test_a_sentence_may_quote_a_zero(back: Back) -> None:
    assert back(Sentence(), "not a JPEG: 'a\0b'") == "not a JPEG: 'a\\x00b'"


@BRIEF
@given(st.integers(0, 2**64 - 1))
def test_all_inodes_come_back(back: Back, inode: int) -> None:
    assert back(Unsigned64(), inode) == inode


@BRIEF
@given(st.integers(-(2**63), 2**63 - 1))
def test_times_up_to_2262_come_back(back: Back, nanoseconds: int) -> None:
    assert back(Signed64(), nanoseconds) == nanoseconds


def test_a_later_time_is_stored_without_an_error(back: Back) -> None:
    assert back(Signed64(), 2**63) == -(2**63)


@pytest.mark.parametrize("column", [Instant(), FolderPath(), Sentence(), Unsigned64(), Probabilities()])
def test_none_stays_none(back: Back, column: TypeEngine[Any]) -> None:
    assert back(column, None) is None
