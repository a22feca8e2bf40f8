"""The demonstration."""

from pathlib import Path

import pytest

from jobs.demo import TRAIN_PER_CLASS, prepare_demo
from jobs.home import Home
from pipeline.layout import find_layout


def test_the_default_home_is_left_to_real_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home, images = prepare_demo(Home(tmp_path / "whisker-home"))
    assert home.folder == tmp_path / "whisker-demo"
    assert find_layout(images).classes == ("cat", "dog")
    assert len(list((images / "train" / "cat").iterdir())) == TRAIN_PER_CLASS
    assert not images.is_relative_to(home.folder)


def test_images_that_were_drawn_before_are_taken_again(tmp_path: Path) -> None:
    home, images = prepare_demo(Home(tmp_path / "mine"))
    assert home.folder == tmp_path / "mine"
    before = {path: path.stat().st_mtime_ns for path in images.rglob("*.jpg")}
    prepare_demo(Home(tmp_path / "mine"))
    assert {path: path.stat().st_mtime_ns for path in images.rglob("*.jpg")} == before
