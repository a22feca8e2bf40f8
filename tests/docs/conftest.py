"""A folder as a reader of the documents has it: photos, an inbox, and `whisker` at hand."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PROGRAM = """\
#!{python}
import sys
sys.path.insert(0, {repository!r})
from cli import main
main()
"""

KEPT = "run-now.json"  # what a cycle has printed


@dataclass(frozen=True)
class Place:
    """A folder to work in."""

    folder: Path
    environment: dict[str, str]

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run lines of bash; the first one that fails ends it."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the program `whisker`, as pip makes it."""
    folder = tmp_path_factory.mktemp("bin")
    file = folder / "whisker"
    file.write_text(PROGRAM.format(python=sys.executable, repository=str(REPOSITORY)))
    file.chmod(0o700)
    return folder


def make_place(folder: Path, drawn: Path, program: Path, quickly: dict[str, str]) -> Place:
    """Return a folder with photos and an inbox; all that trains takes the tiny backbone and little time."""
    shutil.copytree(drawn, folder / "photos")
    shutil.copytree(drawn / "test" / "cat", folder / "inbox")
    python = folder / ".venv" / "bin" / "python"  # as in a checkout
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    (folder / "cli.py").symlink_to(REPOSITORY / "cli.py")
    environment = {
        **quickly,
        "PATH": f"{program}{os.pathsep}{quickly['PATH']}",
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        "WHISKER_MIN_FREE_GB": "0",
        "WHISKER_RECIPES__FAST__BASELINE_EPOCHS": "1",
        "WHISKER_RECIPES__FAST__BASELINE_IMAGES": "8",
    }
    return Place(folder, environment)


@pytest.fixture
def place(tmp_path: Path, drawn: Path, program: Path, quickly: dict[str, str]) -> Place:
    """Return a place without a home."""
    return make_place(tmp_path / "place", drawn, program, quickly)


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, drawn: Path, program: Path, quickly: dict[str, str]
) -> Place:
    """Return a place whose home has two finished cycles; tests share it, and leave the runs in it alone."""
    folder = tmp_path_factory.mktemp("finished") / "place"
    place = make_place(folder, drawn, program, quickly)
    cycles = f"whisker run-now\nwhisker --json run-now --seed 2 > {KEPT}"
    done = place.run(f"whisker init --images photos\n{cycles}")
    assert done.returncode == 0, done.stderr
    return place
