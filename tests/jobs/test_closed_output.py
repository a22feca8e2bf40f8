"""Standard output that nobody reads any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


def run(words: list[str], home: Path, stdout: int) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(REPOSITORY / "cli.py"), "--home", str(home), *words]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize(
    "words", [["config"], ["--json", "config"], ["completion", "bash"], ["weights", "list"]]
)
def test_the_program_ends_without_a_word(words: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(words, tmp_path, writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_disk_that_cannot_be_written_is_an_error_all_the_same(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(["config"], tmp_path, full.fileno())
    assert done.returncode == 1
    assert done.stderr.startswith("whisker: ")
