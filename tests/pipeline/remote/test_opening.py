from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.image_folder import folder_named
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.opening import checked_url, needs
from pipeline.remote.times import nanoseconds

GOOD = {
    "s3://bucket/photos/": "s3://bucket/photos",
    "S3A://bucket/photos//": "s3://bucket/photos",
    "s3://bucket": "s3://bucket",
    "http://host:8000/a%20b/": "http://host:8000/a%20b",
    "memory://x/y": "memory://x/y",
    "sftp://somebody@host/photos": "sftp://somebody@host/photos",
}
BAD = {
    "s3://": "names no folder",
    "s3:///photos": "names no folder",
    "http:///photos": "names no folder",
    "s3://key:secret@bucket/photos": "has a user name or password in it",
    "https://token@host/photos": "has a user name or password in it",
    "sftp://somebody:secret@host/photos": "has a user name or password in it",
    "http://host/photos?token=secret": "it has a ?, a # or a blank in it",
    "simplecache::s3://bucket": "is not the address of one folder",
    "s3://bucket/a\nb": "is not the address of one folder",
    "http://[::1/photos": "is not an address that can be understood",
    "http://host:99999/photos": "is not an address that can be understood",
}


@pytest.mark.parametrize(("given", "known"), GOOD.items())
def test_a_folder_has_one_address_however_it_is_written(given: str, known: str) -> None:
    assert checked_url(given) == known


@pytest.mark.parametrize(("given", "why"), BAD.items())
def test_what_cannot_be_a_folder_or_has_a_secret_in_it_is_refused_without_being_shown(
    given: str, why: str
) -> None:
    with pytest.raises(ValueError) as refused:
        checked_url(given)
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_package_that_a_scheme_needs_is_named() -> None:
    assert (needs("s3://x"), needs("memory://x"), needs("gs://x")) == (None, None, "gcsfs")
    with pytest.raises(ValueError, match="has 'nothing' in front, which fsspec does not know"):
        needs("nothing://x")


def test_a_file_address_is_a_folder_of_this_machine() -> None:
    assert folder_named("file:///srv/my%20photos") == Path("/srv/my photos")
    assert folder_named("photos") == Path("photos")
    assert folder_named("s3://x/y") == RemoteFolder("s3://x/y")
    assert str(RemoteFolder("s3://x/y") / "train") == "s3://x/y/train"


MOMENT = 1_700_000_000 * 10**9
INSTANTS = {
    "a date with a zone": (datetime.fromtimestamp(1_700_000_000, timezone(timedelta(hours=3))), MOMENT),
    "one without, meant in UTC": (datetime.fromtimestamp(1_700_000_000, UTC).replace(tzinfo=None), MOMENT),
    "a number": (1_700_000_000.5, MOMENT + 5 * 10**8),
    "of HTTP": ("Tue, 14 Nov 2023 22:13:20 GMT", MOMENT),
    "of ISO 8601": ("2023-11-14T22:13:20.25Z", MOMENT + 25 * 10**7),
    "nonsense": ("yesterday", 0),
    "nothing": (None, 0),
}


@pytest.mark.parametrize(("told", "instant"), INSTANTS.values(), ids=INSTANTS)
def test_instants_are_understood_in_every_form(told: object, instant: int) -> None:
    assert nanoseconds(told) == instant
