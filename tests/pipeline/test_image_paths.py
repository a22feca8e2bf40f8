"""Naming files: folders, patterns, odd names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.image_paths import image_paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.jpg", ".hidden.jpg", "c.jpg.part", "deep/d.png", "deep/.git/e.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def named(folder: Path, *words: str) -> list[str]:
    paths = image_paths(os.fsencode(folder / word) for word in words)
    return [os.path.relpath(os.fsdecode(path), folder) for path in paths]


def test_a_folder_stands_for_the_files_below_it_without_hidden_and_unfinished_ones(folder: Path) -> None:
    assert named(folder, "") == ["a.jpg", "b.jpg", "deep/d.png"]


def test_files_come_in_the_given_order_and_a_missing_one_comes_as_it_is(folder: Path) -> None:
    assert named(folder, "b.jpg", "no.jpg", "a.jpg") == ["b.jpg", "no.jpg", "a.jpg"]


def test_a_pattern_is_expanded_and_one_without_a_match_comes_as_it_is(folder: Path) -> None:
    assert sorted(named(folder, "*.jpg")) == ["a.jpg", "b.jpg"]
    assert sorted(named(folder, "**/*.png")) == ["deep/d.png"]
    assert sorted(named(folder, "d*")) == ["deep/d.png"]
    assert named(folder, "*.gif") == ["*.gif"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[a].jpg").write_bytes(b"")
    assert named(folder, "[a].jpg") == ["[a].jpg"]


def test_a_link_back_to_the_folder_ends(folder: Path) -> None:
    (folder / "deep/loop").symlink_to(folder)
    assert named(folder, "deep") == ["deep/d.png"]


def test_paths_are_read_only_as_they_are_asked_for(folder: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield os.fsencode(folder / "a.jpg")

    paths = image_paths(endless())
    assert {next(paths) for _ in range(1000)} == {os.fsencode(folder / "a.jpg")}
