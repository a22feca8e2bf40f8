"""How a look ended is kept, whatever ended it."""

from pathlib import Path

import pytest

from db import store
from db.session import open_database, open_read_only
from jobs.looks import recorded_look
from pipeline.errors import EmptyClass, Interrupted
from pipeline.records import LookRecord


@pytest.fixture
def database(tmp_path: Path) -> Path:
    open_database(tmp_path / "whisker.db")
    return tmp_path / "whisker.db"


def last_look(database: Path) -> LookRecord:
    with open_read_only(database)() as session:
        (look,) = store.latest_looks(session, 5)
    return look


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (EmptyClass("class 'cat' is empty"), "failed", "class 'cat' is empty"),
        (ZeroDivisionError(), "failed", "ZeroDivisionError"),
        (Interrupted(15), "interrupted", "stopped by a signal; all finished epochs are kept"),
    ],
)
def test_a_look_is_recorded_with_what_ended_it(
    database: Path, error: Exception, outcome: str, reason: str
) -> None:
    with pytest.raises(type(error)), recorded_look(database) as ending:
        ending.reason = "3 new images"
        raise error
    assert (last_look(database).outcome, last_look(database).reason) == (outcome, reason)


def test_a_look_without_an_error_is_recorded_as_it_says_itself(database: Path) -> None:
    with recorded_look(database) as ending:
        ending.reason = "nothing new"
    assert (last_look(database).outcome, last_look(database).reason) == ("nothing-new", "nothing new")
    assert last_look(database).ended_at >= last_look(database).started_at


def test_that_a_look_cannot_be_recorded_hides_no_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyClass), recorded_look(tmp_path / "none" / "whisker.db"):
        raise EmptyClass("class 'cat' is empty")
