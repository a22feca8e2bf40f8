"""Start the nodes of a job, and end every one of them, whatever happens."""

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobs.cluster.job import JobFolder
from jobs.cluster.nodes import Node, arguments, here, nodes_of, ssh_command, there
from jobs.cluster.settings import ClusterSettings
from jobs.watching.process_tree import DAEMON_VARIABLE
from pipeline.errors import BadSettings
from pipeline.shown import shown

log = logging.getLogger("whisker")

SECONDS_TO_LEAVE = 5.0  # for what ssh has started
KEPT_BYTES = 4_000  # of what a node has said


@dataclass
class Started:
    """A node, and what this machine has of it."""

    node: Node
    how: Literal["local", "ssh"]
    process: "subprocess.Popen[bytes]"
    log: Path

    def death(self) -> str | None:
        """Return how the process ended; None while it runs."""
        status = self.process.poll()
        if status is None:
            return None
        if status >= 0:
            return f"exit status {status}"
        known = -status in {number.value for number in signal.Signals}
        return signal.Signals(-status).name if known else f"signal {-status}"

    def last_words(self) -> str:
        """Return the last line that it has said, as the end of a sentence; "" if it said nothing."""
        try:
            said = self.log.read_bytes()[-KEPT_BYTES:].decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return f"; its last words were: {shown(lines[-1])[:300]}" if lines else ""

    def kill(self) -> None:
        """Kill it, and with it what it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_nodes(settings: ClusterSettings, home: Path, job: JobFolder, started: list[Started]) -> None:
    """Start all nodes that this machine starts, and say how the others are started.

    Args:
        settings: which nodes there are.
        home: of the cycle.
        job: that waits for them.
        started: takes each as it is started, so that they can be ended whatever happens.
    """
    for node in nodes_of(settings):
        to_be = arguments(node, job.id, settings.wait_seconds)
        file = job.of(node.role, node.index, "log")
        if settings.start == "local" or node.role == "scheduler":
            command = [*here(home), *to_be, "--ends-with-input"]
            started.append(Started(node, "local", _process(command, file), file))
        elif settings.start == "ssh":
            command = ssh_command(settings, node.host, [*there(settings, home), *to_be, "--ends-with-input"])
            started.append(Started(node, "ssh", _process(command, file), file))
        else:
            # A warning, since with --quiet nothing else is shown and nothing will go on without it.
            log.warning("start on %s: %s", node.host, shlex.join([*there(settings, home), *to_be]))


def end_nodes(started: Sequence[Started]) -> None:
    """End what was started, here at once, and on other hosts by the end of its input."""
    for one in started:
        if one.process.stdin:
            one.process.stdin.close()
        if one.how == "local":
            one.kill()
    end = time.monotonic() + SECONDS_TO_LEAVE
    for one in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.process.wait(max(0.0, end - time.monotonic()))
        one.kill()


def _process(command: Sequence[str], file: Path) -> "subprocess.Popen[bytes]":
    try:
        with file.open("wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, DAEMON_VARIABLE: str(os.getpid())},
                start_new_session=True,  # a Ctrl-C in the terminal is for the cycle alone
            )
    except FileNotFoundError as error:
        raise BadSettings(f"[cluster]: there is no program {command[0]} on this machine") from error
