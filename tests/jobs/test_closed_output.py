"""Standard output that nobody reads any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", [["config"], ["--json", "config"], ["scan", "--images", "photos"]])
def test_streams_that_are_closed_from_the_start_bring_no_error(
    closed: str, words: list[str], tmp_path: Path
) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(4):
            color = (60 * number, 200 if label == "cat" else 20, 90)
            Image.new("RGB", (40, 40), color).save(tmp_path / "photos" / label / f"{number}.png")
    command = [sys.executable, str(REPOSITORY / "cli.py"), "--home", str(tmp_path / "home"), *words]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_is_printed_into_a_closed_stream_gets_into_no_file(tmp_path: Path) -> None:
    """The first file that is opened would else be standard error for all who print there."""
    code = "from jobs.closed_output import fill_the_gaps; import os; fill_the_gaps(); "
    code += (
        f"file = open({str(tmp_path / 'kept')!r}, 'wb'); os.write(2, b'a warning'); assert file.fileno() > 2"
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", code], cwd=REPOSITORY
    )
    assert done.returncode == 0
    assert (tmp_path / "kept").read_bytes() == b""


def test_a_disk_that_cannot_be_written_is_an_error_all_the_same(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(["config"], tmp_path, full.fileno())
    assert done.returncode == 1
    assert done.stderr.startswith("whisker: ")
