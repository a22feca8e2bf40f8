"""Permissions of real folders, and the clock."""

import os
from pathlib import Path

import pytest

from jobs.examination.machine import UNSYNCHRONISED, clock_check, clock_state, examine_permissions
from jobs.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create(None)
    home.settings_file.write_text("")
    home.settings_file.chmod(0o600)
    home.models.mkdir(mode=0o700)
    return home


def test_a_new_home_is_private(home: Home) -> None:
    (check,) = examine_permissions(home)
    assert check.status == "ok" and "only its owner" in check.message


def test_a_home_that_others_can_read_is_a_warning_with_its_mend(home: Home) -> None:
    home.folder.chmod(0o755)
    (check,) = examine_permissions(home)
    assert check.status == "warning"
    assert f"(mode 755); run `chmod 700 {home.folder}`" in check.message


@pytest.mark.parametrize("name", [".", "whisker.toml", "models", "models/run-0001"])
def test_what_every_user_may_change_is_a_problem_with_its_mend(home: Home, name: str) -> None:
    home.model(1).mkdir(mode=0o700)
    home.folder.chmod(0o755)
    path = home.folder / name
    path.chmod(0o777)
    (check,) = examine_permissions(home)
    assert check.status == "problem"
    assert f"may change {path}; run `chmod -R go-w {home.folder}`" in check.message


def test_in_a_private_home_no_mode_of_a_file_matters(home: Home) -> None:
    home.settings_file.chmod(0o666)
    assert [check.status for check in examine_permissions(home)] == ["ok"]


def test_a_home_of_another_user_is_a_warning(home: Home) -> None:
    if os.getuid() != 0:
        pytest.skip("only root may give a folder away")
    os.chown(home.folder, 12345, 12345)
    assert [check.status for check in examine_permissions(home, 0)] == ["ok"], "root may be meant to run it"
    assert [check.status for check in examine_permissions(home, 12345)] == ["ok"]
    (check,) = examine_permissions(home, 1000)
    assert check.status == "warning" and "another user (id 12345)" in check.message


def test_a_home_that_is_not_there_is_not_judged(tmp_path: Path) -> None:
    assert examine_permissions(Home(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (0, "ok", "kept right"),
        (UNSYNCHRONISED, "warning", "timedatectl set-ntp true"),
        (None, "ok", "does not say"),
    ],
)
def test_a_clock_that_nobody_keeps_right_is_a_warning(state: int | None, status: str, words: str) -> None:
    check = clock_check(state)
    assert check.status == status and words in check.message


def test_the_kernel_is_asked_for_its_clock() -> None:
    assert clock_state() in range(6), "the states of adjtimex(2)"
