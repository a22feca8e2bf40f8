"""Run one of our modules as a child process that may crash or hang, and collect the JSON lines it printed.

The output goes to files, not pipes, and the child has a session of its own: neither a grandchild that keeps
a pipe open nor a driver call that cannot be interrupted makes the caller wait beyond its time-out.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
SECONDS_TO_DIE = 5


@dataclass(frozen=True)
class ProbeOutcome:
    """What a child said before it ended."""

    facts: dict[str, Any]  # the JSON objects of its lines, merged
    exit_status: int | None  # negative: ended by that signal; None: stopped after the time-out
    last_line: str  # of its standard error, or "" if that is empty


def run_probe(module: str, *arguments: str, timeout_seconds: float) -> ProbeOutcome:
    """Run `python -m module arguments` and return what it printed, for at most `timeout_seconds`."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        status = _run([sys.executable, "-m", module, *arguments], output, errors, timeout_seconds)
        lines = _lines(errors)
        return ProbeOutcome(merge_facts(_lines(output)), status, lines[-1] if lines else "")


def merge_facts(lines: Iterable[str]) -> dict[str, Any]:
    """Merge the lines that are JSON objects; the others are chatter of a library."""
    facts: dict[str, Any] = {}
    for line in lines:
        with contextlib.suppress(ValueError):
            fact = json.loads(line)
            facts.update(fact if isinstance(fact, dict) else {})
    return facts


def describe_end(outcome: ProbeOutcome, timeout_seconds: float) -> str:
    """Say in a few words how a child ended that did not finish its work."""
    if outcome.exit_status is None:
        return f"it did not answer within {timeout_seconds:g} seconds"
    said = f": {outcome.last_line}" if outcome.last_line else ""
    if outcome.exit_status < 0:
        return f"it was ended by signal {-outcome.exit_status}{said}"
    return f"it ended with status {outcome.exit_status}{said}"


def _run(command: list[str], output: IO[bytes], errors: IO[bytes], timeout_seconds: float) -> int | None:
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=_environment(),
        start_new_session=True,
    )
    try:
        return child.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child and its own children, also when we are interrupted ourselves."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(SECONDS_TO_DIE)


def _environment() -> dict[str, str]:
    """Return our environment, with this project importable whatever the child's working folder is."""
    paths = [str(PROJECT_FOLDER), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    lines = file.read().decode("utf-8", "replace").splitlines()
    return [line.strip() for line in lines if line.strip()]
