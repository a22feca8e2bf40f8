"""What a failure may depend on besides the images."""

from pathlib import Path

from jobs.watching.situation import digest_of_situation


def test_it_changes_with_the_settings_and_with_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "whisker.toml"
    without = digest_of_situation(file, {})
    file.write_text("seed = 1")
    first = digest_of_situation(file, {"HOME": "/root"})
    assert first == digest_of_situation(file, {})
    file.write_text("seed = 2")
    second = digest_of_situation(file, {})
    third = digest_of_situation(file, {"WHISKER_SEED": "3"})
    assert len({without, first, second, third}) == 4
