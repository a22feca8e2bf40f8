"""Nodes that are started by ssh: a real sshd on a port of the loopback, with keys of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobs.cluster.nodes import ROLES
from jobs.cluster.settings import ClusterSettings
from pipeline.errors import ClusterFailed
from pipeline.records import EpochMetrics
from tests import tiny
from tests.conftest import REPOSITORY
from tests.jobs.cluster.jobs import asked, node, processes_in, settings, train
from tests.pipeline.training import AROUND

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(SSHD is None, reason="OpenSSH's server is not installed")

SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
"""


@pytest.fixture
def by_ssh(
    place: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterSettings]:
    """Return the settings of two workers that are started through a server."""
    folder = tmp_path_factory.mktemp("ssh")
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    port = _free_port()
    (folder / "config").write_text(SERVER.format(folder=folder, port=port))
    (folder / "known").write_text(f"[localhost]:{port} {(folder / 'host.pub').read_text()}")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where the server locks itself in
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    _wait_for(port)
    environment = {**tiny.environment(tiny_weights), "PYTHONWARNINGS": "ignore"}
    variables = [f"{name}={value}" for name, value in environment.items()]
    yield replace(
        settings(start="ssh", hosts=(f"{getpass.getuser()}@localhost", "localhost")),
        ssh_options=(
            *("-F", "none", "-p", str(port), "-i", str(folder / "user")),
            *("-o", f"UserKnownHostsFile={folder / 'known'}"),
        ),
        program=("env", *variables, sys.executable, str(REPOSITORY / "cli.py")),
    )
    for process in psutil.Process(server.pid).children(recursive=True):
        process.kill()
    server.kill()
    server.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")


def test_servers_and_workers_are_started_by_ssh(by_ssh: ClusterSettings, place: Path, drawn: Path) -> None:
    """In a folder whose name a shell would read otherwise."""
    home = place / "it's $HOME; here"
    above: set[tuple[str, str]] = set()

    def look() -> None:
        for role in ROLES:
            if process := node(home, role, 0):
                above.update((role, parent.name()) for parent in process.parents())

    found = train(home, by_ssh, asked(home, drawn, replace(AROUND, check_stop=look), epochs=1))
    assert sum(isinstance(event, EpochMetrics) for event in found) == 1
    assert {role for role, name in above if name == "sshd"} == {"server", "worker"}
    assert processes_in(place) == []


def test_a_connection_that_breaks_ends_what_it_has_started(
    by_ssh: ClusterSettings, place: Path, drawn: Path
) -> None:
    def look() -> None:
        if node(place, "worker", 1):
            for process in processes_in(place):
                if process.name() == "ssh" and "worker --index 1" in process.cmdline()[-1]:
                    process.kill()

    around = replace(AROUND, check_stop=look)
    with pytest.raises(ClusterFailed, match=r"^worker 1 on localhost has ended \(SIGKILL\)"):
        train(place, by_ssh, asked(place, drawn, around))
    _, alive = psutil.wait_procs(processes_in(place), timeout=5)
    assert alive == []


def test_a_host_that_lets_nobody_in_is_named(by_ssh: ClusterSettings, place: Path, drawn: Path) -> None:
    locked = replace(by_ssh, ssh_options=(*by_ssh.ssh_options[:-1], "UserKnownHostsFile=none"))
    with pytest.raises(
        ClusterFailed, match=r"localhost has ended \(exit status 255\).*Host key verification failed"
    ):
        train(place, locked, asked(place, drawn))
