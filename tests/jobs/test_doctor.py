from pathlib import Path

import pytest

from db.session import open_database
from jobs.config import Config
from jobs.doctor import examine
from pipeline.cuda_libraries import mxnet_distributions


@pytest.mark.skipif(list(mxnet_distributions()) != ["mxnet"], reason="needs MXNet's CPU wheel")
def test_a_sound_installation_has_no_problem_and_nothing_is_written(tmp_path: Path) -> None:
    home, images = tmp_path / "home", tmp_path / "images"
    (images / "cat").mkdir(parents=True)
    home.mkdir(mode=0o700)
    open_database(home / "whisker.db")
    before = (home / "whisker.db").read_bytes()
    checks = examine(home, Config(images=images))
    assert [check for check in checks if check.status == "problem"] == []
    assert "MXNet imports and trains one step on the CPU" in [check.message for check in checks]
    assert list(home.iterdir()) == [home / "whisker.db"]
    assert (home / "whisker.db").read_bytes() == before


def test_a_doctor_of_a_home_that_is_not_there_creates_nothing(tmp_path: Path) -> None:
    checks = [check for check in examine(tmp_path / "home") if check.name in ("home", "database")]
    assert [check.status for check in checks] == ["warning", "ok"]
    assert "cli.py init" in checks[0].message
    assert list(tmp_path.iterdir()) == []
