import hashlib
import os
from pathlib import Path

import pytest

from pipeline.remote import object_cache
from pipeline.remote.object_cache import ObjectCache


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("??/*")}


def test_a_content_is_found_by_its_hash_and_by_its_versions(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, 100)
    cache.keep(b"cat", "one")
    cache.keep(b"cat", "two")
    again = ObjectCache(tmp_path, 100)
    assert again.content(sha256(b"cat")) == b"cat"
    assert again.version("one") == again.version("two") == (sha256(b"cat"), b"cat")
    assert (again.content(sha256(b"dog")), again.version("three")) == (None, None)
    assert files(tmp_path) == {sha256(b"cat")}


def test_nothing_is_kept_in_a_home_that_is_not_there(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "home" / "objects", 100, tmp_path / "home")
    cache.keep(b"cat", "one")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "home").mkdir()
    cache.keep(b"cat", "one")
    assert cache.version("one")


def test_a_damaged_copy_is_none_and_is_kept_anew(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, 100)
    cache.keep(b"cat", "one")
    (tmp_path / sha256(b"cat")[:2] / sha256(b"cat")).write_bytes(b"cut")
    assert cache.version("one") is None
    cache.keep(b"cat", "one")
    assert cache.version("one") == (sha256(b"cat"), b"cat")


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    old = ObjectCache(tmp_path, 100)
    for number in range(10):
        old.keep(bytes([number]) * 10, str(number))
    for number in range(10):
        content = sha256(bytes([number]) * 10)
        os.utime(tmp_path / content[:2] / content, (number, number))
    cache = ObjectCache(tmp_path, 100)
    assert cache.version("0")  # used now, so it stays
    cache.keep(b"x" * 10, "x")
    left = {number for number in range(10) if cache.version(str(number))}
    assert left == {0, *range(3, 10)}
    assert cache.version("x")
    assert len(list((tmp_path / "versions").glob("*/*"))) == 9


def test_what_this_process_uses_is_not_thrown_away_for_more_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ObjectCache(tmp_path, 25)
    for number in range(4):
        cache.keep(bytes([number]) * 10, str(number))
    assert [bool(cache.version(str(number))) for number in range(4)] == [True, True, False, False]
    assert [record.message for record in caplog.records] == [
        f"no more copies of images are kept in {tmp_path}, since it is full at images_cache_gb = 2.5e-08"
    ]


def test_a_full_disk_or_a_folder_that_cannot_be_written_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    ObjectCache(tmp_path / "file" / "objects", 100).keep(b"cat", "one")
    monkeypatch.setattr(object_cache, "FREE_BYTES", 2**80)
    monkeypatch.setattr(object_cache, "FREE_SHARE", 1)
    ObjectCache(tmp_path / "objects", 100).keep(b"cat", "one")
    assert [record.message.partition("since ")[2] for record in caplog.records] == [
        "Not a directory",
        "the disk is nearly full",
    ]
