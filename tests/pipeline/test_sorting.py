"""Copies into class folders."""

import os
from pathlib import Path

import pytest

from pipeline.errors import SaveFailed
from pipeline.sorting import copy_into


def test_a_copy_keeps_content_and_times_and_the_original_stays(tmp_path: Path) -> None:
    original = tmp_path / "a.jpg"
    original.write_bytes(b"one")
    os.utime(original, (1e9, 1e9))
    copy = copy_into(tmp_path / "sorted/cat", os.fsencode(original))
    assert copy == tmp_path / "sorted/cat/a.jpg"
    assert (copy.read_bytes(), copy.stat().st_mtime) == (b"one", 1e9)
    assert original.exists()
    assert [path.name for path in copy.parent.iterdir()] == ["a.jpg"]


def test_another_file_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    for place, content in (("x", b"one"), ("y", b"two"), ("z", b"three")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.jpg").write_bytes(content)
    copies = [copy_into(tmp_path / "cat", os.fsencode(tmp_path / place / "a.jpg")) for place in "xyz"]
    assert [copy.name for copy in copies] == ["a.jpg", "a-2.jpg", "a-3.jpg"]
    assert [copy.read_bytes() for copy in copies] == [b"one", b"two", b"three"]


def test_the_same_file_again_is_not_copied_again(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    copies = {copy_into(tmp_path / "cat", os.fsencode(tmp_path / "a.jpg")) for _ in range(3)}
    assert copies == {tmp_path / "cat/a.jpg"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "cat").write_bytes(b"a file")
    with pytest.raises(SaveFailed, match=r"cat/a\.jpg cannot be written: File exists"):
        copy_into(tmp_path / "cat", os.fsencode(tmp_path / "a.jpg"))
