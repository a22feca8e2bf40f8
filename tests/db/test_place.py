"""Where the records of a home lie."""

from pathlib import Path

import pytest

from db.place import in_words, place_of
from pipeline.errors import BadSettings


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cret@host:5433/whisker", "postgresql://me:***@host:5433/whisker"),
        ("postgresql+psycopg://me@host/whisker", "postgresql://me@host/whisker"),
        ("postgres:///whisker?host=/run&passfile=/run/pass", "postgresql:///whisker"),
    ],
)
def test_a_server_is_shown_without_its_password(text: str, shown: str) -> None:
    place = place_of(text)
    assert not isinstance(place, Path)
    assert in_words(place) == shown
    assert place.drivername == "postgresql+psycopg", "the driver that the extra brings"
    assert "s3cret" not in f"{place}", "nor where somebody forgets it"


@pytest.mark.parametrize("text", ["whisker.db", "sqlite:///whisker.db"])
def test_a_file_is_a_path(text: str) -> None:
    assert place_of(text) == Path("whisker.db")
    assert in_words(place_of(text)) == "whisker.db"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("postgresql://me:s3cret@host:port/whisker", "cannot be read"),
        ("://s3cret", "cannot be read"),
        ("postgresql://me:s3cret@host", "names no database"),
        ("postgresql://me@host/whisker?password=s3cret", "behind"),
        ("mysql://me:s3cret@host/whisker", "of the kind mysql"),
        ("sqlite://", "must name a file"),
    ],
)
def test_what_is_no_place_is_refused_without_being_repeated(text: str, reason: str) -> None:
    with pytest.raises(BadSettings, match=reason) as refused:
        place_of(text)
    assert "s3cret" not in str(refused.value)
