"""Run a command and say what it took."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.intervals import wilson_interval

CLI = Path(__file__).resolve().parent.parent / "cli.py"


@dataclass(frozen=True)
class Timed:
    """A command that has ended well."""

    seconds: float  # from its start to its end
    peak_mb: float  # the most memory that it held at once, without that of its children
    output: str


def timed(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Timed:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        child = subprocess.Popen(words, stdout=output, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, words)
        output.seek(0)
        return Timed(seconds, usage.ru_maxrss / 1024, output.read())


def run_now(home: Path, images: Path, *options: object) -> tuple[Timed, Any]:
    """Run one cycle as a person would; return what it took and the document that it prints."""
    done = timed([sys.executable, CLI, "--home", home, "--json", "run-now", "--images", images, *options])
    return done, json.loads(done.output)


def shown(home: Path, run_id: int) -> Any:
    """Return what `show` prints of a run."""
    return json.loads(timed([sys.executable, CLI, "--home", home, "--json", "show", run_id]).output)


def accuracy_cell(run: Any) -> str:
    """Return the test accuracy of a run's document with its 95 % interval, for a table."""
    images = run["test_images"]
    low, high = wilson_interval(round(run["test_accuracy"] * images), images)
    return f"{run['test_accuracy']:.4f} ({low:.4f} to {high:.4f})"
