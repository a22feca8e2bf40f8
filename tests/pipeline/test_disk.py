"""Space on a disk, and the errors that come from a lack of it."""

import errno
import os
import re
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.disk import free_bytes, in_words, save_failed
from pipeline.errors import DiskFull, SaveFailed
from pipeline.publish import write_whole
from tests.small_disk import fill, small_disk

__all__ = ["small_disk"]


def test_a_disk_that_is_full_is_told_from_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    full = save_failed(tmp_path / "a", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert isinstance(full, DiskFull) and full.passes
    assert "a cannot be written: No space left on device (" in str(full)
    forbidden = save_failed(tmp_path / "a", PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    assert type(forbidden) is SaveFailed and not forbidden.passes
    assert "a cannot be written: Permission denied; mend that" in str(forbidden)


def test_of_an_error_with_a_traceback_in_it_the_last_line_is_the_reason(tmp_path: Path) -> None:
    error = RuntimeError(
        "Traceback (most recent call last):\n  File x.cc, line 38\nFileStream.Write incomplete\n"
    )
    assert "a cannot be written: FileStream.Write incomplete; mend that" in str(
        save_failed(tmp_path / "a", error)
    )


def test_free_space_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0


def test_a_full_disk_keeps_the_old_file_and_passes_once_there_is_space(small_disk: Path) -> None:
    page = small_disk / "page.html"
    write_whole(page, b"old")
    filler = fill(small_disk)
    with pytest.raises(DiskFull, match=r"page\.html cannot be written: No space left on device \(0 bytes"):
        write_whole(page, b"new" * 10_000)
    assert page.read_bytes() == b"old"
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "page.html"]
    filler.unlink()
    write_whole(page, b"new" * 10_000)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
        (12_345_678, "12.3 MB"), (4_000_000_000, "4.0 GB"), (7_200_000_000_000, "7.2 TB"),
    ],
)  # fmt: skip
def test_bytes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words


def test_what_passes_is_written_in_the_tree_of_errors() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    passing = {kind.__name__ for kind in kinds if getattr(kind, "passes", False)}
    tree = (errors.__doc__ or "").splitlines()
    marked = [line for line in tree if line.startswith(("│", "├")) and "passes" in line]
    assert passing == {re.findall(r"[A-Z]\w+", line)[0] for line in marked}
