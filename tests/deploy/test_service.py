"""The unit of systemd, and the container file."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from jobs.supervise import GRACE_SECONDS
from jobs.watching.child import SECONDS_TO_DIE
from jobs.watching.say_once import PATIENCE_SECONDS
from pipeline.errors import Interrupted, NeedsDecision, UsageError
from tests.conftest import REPOSITORY

UNIT = REPOSITORY / "deploy" / "whisker.service"
CONTAINER = (REPOSITORY / "deploy" / "Containerfile").read_text(encoding="utf-8")
README = (REPOSITORY / "deploy" / "README.md").read_text(encoding="utf-8")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is missing: install the package systemd",
)


def settings() -> dict[str, list[str]]:
    """Return what the unit sets, by name."""
    found = defaultdict(list)
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z]+)=(.*)", line):
            found[match[1]].append(match[2])
    return found


def analyze(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    there = UNIT.read_text(encoding="utf-8").replace("/opt/whisker/.venv/bin/python", sys.executable)
    unit.write_text(there, encoding="utf-8")
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_systemd_finds_little_that_the_unit_may_do() -> None:
    done = analyze("security", "--offline=yes", "--no-pager", "--threshold=10", UNIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


def test_the_unit_knows_the_exit_statuses_of_the_program() -> None:
    assert settings()["RestartPreventExitStatus"] == [f"{UsageError.exit_status} {NeedsDecision.exit_status}"]
    by_signals = " ".join(str(Interrupted(number).exit_status) for number in (1, 2, 15))
    assert settings()["SuccessExitStatus"] == [by_signals]


def test_systemd_waits_for_longer_than_the_daemon_for_its_child() -> None:
    orphans = 5.0
    longest = GRACE_SECONDS + SECONDS_TO_DIE + orphans + PATIENCE_SECONDS
    assert settings()["TimeoutStopSec"] == ["90s"]
    assert settings()["WatchdogSec"] == ["3min"]
    assert longest * 2 < 90


def test_mxnet_cannot_do_without_memory_that_is_written_and_run() -> None:
    """The day this fails, MemoryDenyWriteExecute can be set."""
    program = """
import ctypes, sys, warnings
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): sys.exit(5)  # PR_SET_MDWE: from Linux 6.3 on
warnings.simplefilter("ignore")
import mxnet as mx
layer = mx.gluon.nn.Conv2D(8, 3)
layer.initialize()
try: layer(mx.nd.ones((1, 3, 32, 32))).wait_to_read()
except mx.MXNetError as error: print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode == 5:
        pytest.skip("this kernel cannot forbid it")
    assert done.returncode == 0, done.stderr
    if not done.stdout:
        pytest.skip("this processor has no code made for it by oneDNN")
    assert "could not create a primitive" in done.stdout
    assert "MemoryDenyWriteExecute" not in settings()


def test_each_line_of_the_unit_is_explained() -> None:
    plain = {"Description", "Documentation", "ExecStart", "WantedBy"}
    assert [name for name in settings() if name not in plain and f"`{name}" not in README] == []


def test_the_image_holds_the_whole_program() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.split(".")[0] for name in project["tool"]["setuptools"]["packages"]}
    copied = set(re.findall(r"^COPY (\w+) \1$", CONTAINER, re.MULTILINE))
    assert copied == packages
    files = {f"{module}.py" for module in project["tool"]["setuptools"]["py-modules"]} | {
        "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"],
    }  # fmt: skip
    assert set(re.findall(r"^COPY (.*\.toml .*) \./$", CONTAINER, re.MULTILINE)[0].split()) == files


def test_the_image_runs_commands_that_exist() -> None:
    for words in (["daemon", "--help"], ["status", "--check", "--help"]):
        done = subprocess.run(
            [sys.executable, str(REPOSITORY / "cli.py"), *words], capture_output=True, check=False
        )
        assert done.returncode == 0
    assert 'CMD ["daemon"]' in CONTAINER
    assert '"status", "--check"' in CONTAINER
