"""A folder as a reader of the documents has it: photos, an inbox, and `whisker` at hand."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.drawings import draw_demo_images
from tests import tiny
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


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of few drawn images; read only."""
    folder = tmp_path_factory.mktemp("pictures") / "images"
    draw_demo_images(folder, train_per_class=10, test_per_class=4, seed=3)
    return folder


def make_place(folder: Path, pictures: Path, program: Path, weights: Path) -> Place:
    """Return a folder with photos and an inbox; all that trains takes the tiny backbone and little time."""
    shutil.copytree(pictures, folder / "photos")
    shutil.copytree(pictures / "test" / "cat", folder / "inbox")
    python = folder / ".venv" / "bin" / "python"  # as in a checkout
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    (folder / "cli.py").symlink_to(REPOSITORY / "cli.py")
    zoo = folder / "mxnet"  # where Gluon keeps what it has fetched
    (zoo / "models").mkdir(parents=True)
    shutil.copy(weights, zoo / "models")
    environment = {
        **os.environ,
        "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
        **tiny.environment(weights),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        "MXNET_HOME": str(zoo),
        "WHISKER_BACKBONE": tiny.NAME,
        "WHISKER_SETTLE_SECONDS": "0",
        "WHISKER_MIN_FREE_GB": "0",
        "WHISKER_RECIPES__FAST__BASELINE_EPOCHS": "1",
        "WHISKER_RECIPES__FAST__BASELINE_IMAGES": "8",
    }
    return Place(folder, environment)


@pytest.fixture
def place(tmp_path: Path, pictures: Path, program: Path, tiny_weights: Path) -> Place:
    """Return a place without a home."""
    return make_place(tmp_path / "place", pictures, program, tiny_weights)


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, pictures: Path, program: Path, tiny_weights: Path
) -> Place:
    """Return a place whose home has two finished cycles; tests share it, and leave the runs in it alone."""
    folder = tmp_path_factory.mktemp("finished") / "place"
    place = make_place(folder, pictures, program, tiny_weights)
    cycles = f"whisker run-now\nwhisker --json run-now --seed 2 > {KEPT}"
    done = place.run(f"whisker init --images photos\n{cycles}")
    assert done.returncode == 0, done.stderr
    return place
