"""What a failure may depend on besides the images."""

from pathlib import Path

import pytest

from jobs.watching.situation import FOLDERS, digest_of_situation
from pipeline.probe_child import PROJECT_FOLDER


def test_it_changes_with_the_settings_and_with_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "whisker.toml"
    without = digest_of_situation(file, {})
    file.write_text("seed = 1")
    first = digest_of_situation(file, {"HOME": "/root"})
    assert first == digest_of_situation(file, {})
    file.write_text("seed = 2")
    second = digest_of_situation(file, {})
    third = digest_of_situation(file, {"WHISKER_SEED": "3"})
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.toml").write_text('base = "fast"')
    fourth = digest_of_situation(file, {"WHISKER_SEED": "3"})
    assert len({without, first, second, third, fourth}) == 5


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_changes_with_the_program(tmp_path: Path, folder: str) -> None:
    assert list((PROJECT_FOLDER / folder).glob("*.py")), "the program lies there"
    module = tmp_path / folder / "package" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    before = digest_of_situation(tmp_path / "whisker.toml", {}, tmp_path)
    module.write_text("x = 1")
    assert digest_of_situation(tmp_path / "whisker.toml", {}, tmp_path) != before
