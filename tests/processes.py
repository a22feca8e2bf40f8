"""The program in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.conftest import REPOSITORY


def command(*arguments: object) -> list[str]:
    """Return the command line."""
    return [sys.executable, str(REPOSITORY / "cli.py"), *map(str, arguments)]


@contextmanager
def started(*arguments: object, environment: Mapping[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """Start the program, which does not outlive the test, whatever becomes of it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command(*arguments), stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", words: str) -> None:
    """Read what a process says on standard error until it says this."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it has ended without a word of {words!r}")
