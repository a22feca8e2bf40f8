"""Places at which a test lets the process die."""

import os
import signal
import subprocess
import sys

import pytest

from pipeline.failpoint import NAMES, failpoint
from tests.conftest import REPOSITORY

TWICE = """
from pipeline.failpoint import failpoint
for name in ("in_epoch", "in_repair", "in_epoch"):
    failpoint(name)
print("end")
"""


def run(armed: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "WHISKER_FAILPOINT": armed}
    return subprocess.run(
        [sys.executable, "-c", TWICE], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("armed", ["in_epoch:kill", "in_epoch@2:kill", "in_repair:kill"])
def test_the_process_is_killed_at_the_place_that_is_named(armed: str) -> None:
    assert run(armed).returncode == -signal.SIGKILL


@pytest.mark.parametrize("armed", ["in_epoch@3:kill", "after_scan:kill"])
def test_it_lives_on_where_the_place_is_not_reached(armed: str) -> None:
    assert run(armed).stdout == "end\n"


def test_a_full_disk_is_an_error_of_the_system() -> None:
    done = run("in_epoch:raise")
    assert "OSError: [Errno 28] No space left on device" in done.stderr


@pytest.mark.parametrize("armed", ["in_epok:kill", "in_epoch", "in_epoch:explode"])
def test_a_name_that_there_is_not_is_no_test_that_passes(monkeypatch: pytest.MonkeyPatch, armed: str) -> None:
    monkeypatch.setenv("WHISKER_FAILPOINT", armed)
    with pytest.raises(ValueError, match="names no failpoint"):
        failpoint("after_scan")


def test_each_place_is_one_that_the_program_passes() -> None:
    files = [file for part in ("jobs", "pipeline") for file in (REPOSITORY / part).rglob("*.py")]
    text = "".join(file.read_text() for file in files)
    assert [name for name in NAMES if text.count(f'failpoint("{name}")') != 1] == []


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHISKER_FAILPOINT", raising=False)
    failpoint("after_scan")
