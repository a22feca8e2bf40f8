"""The real program in a folder of its own, to be cut off, starved and started again."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.failpoint import VARIABLE
from tests import tiny
from tests.conftest import REPOSITORY
from tests.moved_home import copy_home

TIMEOUT_SECONDS = 180.0  # nothing here takes a tenth of it, unless it hangs

Done = subprocess.CompletedProcess[str]

SETTINGS = """\
images = "{images}"
backbone = "tiny"
recipe = "{recipe}"
engine = "mxnet"
settle_seconds = 0
min_free_gb = 0
{more}
[daemon]
every = "1s"

[recipes.{recipe}]
batch_size = 8
baseline_epochs = 2
baseline_images = 8
{of_recipe}
"""


@dataclass(frozen=True)
class Subject:
    """A home with a folder of images, and how the program is started in it."""

    home: Path
    images: Path
    weights: Path  # the file of the backbone's weights
    extra: Mapping[str, str] = field(default_factory=dict)  # environment

    def environment(self, failpoint: str | None = None) -> dict[str, str]:
        """Return the environment of a process that knows the tiny backbone."""
        return {
            **os.environ,
            **tiny.environment(self.weights),
            "PYTHONWARNINGS": "ignore",
            "OMP_NUM_THREADS": "1",
            **({VARIABLE: failpoint} if failpoint else {}),
            **self.extra,
        }

    def command(self, *arguments: object) -> list[str]:
        """Return the command line."""
        return [sys.executable, str(REPOSITORY / "cli.py"), "--home", str(self.home), *map(str, arguments)]

    def start(
        self, *arguments: object, failpoint: str | None = None, before: Sequence[str] = (), **options: Any
    ) -> "subprocess.Popen[str]":
        """Start the program and do not wait; `before` are words such as those of `faketime`."""
        return subprocess.Popen(
            [*before, *self.command(*arguments)],
            env=self.environment(failpoint),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *arguments: object, timeout: float = TIMEOUT_SECONDS, **options: Any) -> Done:
        """Run the program to its end; SIGKILL if it hangs."""
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"it hung, having said: {err}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def cycle(self, **options: Any) -> Done:
        """Run a cycle, if there is a reason."""
        return self.run("run-now", "--if-changed", **options)

    def copy(self, folder: Path) -> "Subject":
        """Return a copy in another folder, with all that it knows of its images."""
        copy_home(self.home.parent, folder)
        moved = Subject(folder / "home", folder / "images", self.weights, self.extra)
        settings = moved.home / "whisker.toml"
        settings.write_text(settings.read_text().replace(str(self.images), str(moved.images)))
        return moved


def make_subject(
    folder: Path, images: Path, weights: Path, *, recipe: str = "classic", more: str = "", of_recipe: str = ""
) -> Subject:
    """Return a home without a database, with a copy of the images."""
    subject = Subject(folder / "home", folder / "images", weights)
    shutil.copytree(images, subject.images)
    subject.home.mkdir(mode=0o700)
    (subject.home / "weights").mkdir(mode=0o700)
    shutil.copy(weights, subject.home / "weights")
    settings = SETTINGS.format(images=subject.images, recipe=recipe, more=more, of_recipe=of_recipe)
    (subject.home / "whisker.toml").write_text(settings)
    (subject.home / "whisker.toml").chmod(0o600)
    return subject


def make_pair(folder: Path, images: Path, weights: Path, **settings: str) -> tuple[Subject, Subject]:
    """Return two homes without a database, `whole` and `killed`, with the same images and settings."""
    whole = make_subject(folder / "whole", images, weights, **settings)
    return whole, make_subject(folder / "killed", images, weights, **settings)


def ended_by(done: Done, number: signal.Signals) -> bool:
    """Return whether a signal that nobody can handle ended the process."""
    return done.returncode == -number
