"""The processes of a cluster: one scheduler, some servers that add up gradients, a worker for each host."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobs.cluster.settings import ClusterSettings
from pipeline.probe_child import PROJECT_FOLDER

Role = Literal["scheduler", "server", "worker"]
ROLES: tuple[Role, ...] = ("scheduler", "server", "worker")


@dataclass(frozen=True)
class Node:
    """One process."""

    role: Role
    index: int  # among those of its role
    host: str  # as the settings have it

    @property
    def key(self) -> str:
        """What its files are called by."""
        return key_of(self.role, self.index)

    def __str__(self) -> str:
        return f"{self.role} {self.index} on {self.host}"


def key_of(role: Role, index: int) -> str:
    """Return what the files of a node are called by."""
    return f"{role}-{index}"


def nodes_of(settings: ClusterSettings) -> tuple[Node, ...]:
    """Return all nodes; the servers are dealt out to the workers' hosts, the scheduler is the cycle's."""
    hosts = settings.hosts
    return (
        Node("scheduler", 0, settings.scheduler),
        *(Node("server", index, hosts[index % len(hosts)]) for index in range(settings.servers)),
        *(Node("worker", index, host) for index, host in enumerate(hosts)),
    )


def here(home: Path) -> list[str]:
    """Return how the program is called on this machine, with its home."""
    return [sys.executable, str(PROJECT_FOLDER / "cli.py"), "--home", str(home)]


def there(settings: ClusterSettings, home: Path) -> list[str]:
    """Return how the program is called on the other hosts, with its home."""
    program = list(settings.program) or here(home)[:2]
    return [*program, "--home", settings.home or str(home)]


def arguments(node: Node, job: str, wait_seconds: float) -> list[str]:
    """Return the arguments that let the program be a node."""
    wait = f"{wait_seconds:g}s"
    return ["cluster-node", "--role", node.role, "--index", str(node.index), "--job", job, "--wait", wait]


def ssh_command(settings: ClusterSettings, host: str, command: Sequence[str]) -> list[str]:
    """Return the local command that runs a command on a host; ssh hands one text to a shell there."""
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", *settings.ssh_options]
    return ["ssh", *options, "--", host, "exec " + shlex.join(command)]
