"""Hosts on this machine: two network namespaces, and a cable between them with a rate and a delay.

Needs root, `ip` and `tc`. The rate is that of a token bucket at each end (tbf), the delay that of
`cluster_link`. Bytes are those that the second host's end has counted, so TCP's own are among them.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timed import CLI

EPOCHS, BATCH_SIZE = 2, 4  # small batches, since computing is not what is measured
LINKS = [(None, 0), ("1gbit", 0), ("1gbit", 1), ("1gbit", 10), ("100mbit", 1), ("100mbit", 10)]  # rate, ms
NAMES = tuple(f"whisker{os.getpid()}{end}" for end in "ab")  # of the namespaces, and of the ends of the cable
ADDRESSES = ("10.77.0.1", "10.77.0.2")
FRAME_BYTES = 9000  # so that a cable at 1 Gbit/s takes little of the processors
COLUMNS = (
    "added up by", "rate", "delay each way", "steps/s", "more seconds a step than without limits",
    "MB sent a step", "MB received", "of the model's size",
)  # fmt: skip
SECONDS_TO_END = 600
SETTINGS = f"""\
[cluster]
hosts = ["{ADDRESSES[0]}", "{ADDRESSES[1]}"]
scheduler = "{ADDRESSES[0]}"
start = "by-hand"
kvstore = "{{kvstore}}"
"""


@dataclass(frozen=True)
class Measured:
    """What an update took, in the epochs after the first."""

    seconds_a_step: float
    sent: float  # bytes a step, by the second host, which has a worker alone
    received: float


def main(images: Path, place: Path, backbone: str, kvstores: Sequence[str]) -> None:
    """Print what a step takes and sends, for each kind of link."""
    if problem := _impossible():
        print(f"Hosts in network namespaces: not measured, since {problem}.\n")
        return
    print(
        "Two hosts in network namespaces, a worker on each and the server, if any, on the first, all layers "
        f"of {backbone} in batches of {BATCH_SIZE}; the second epoch. Sent, received: by the second host.\n"
    )
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for kvstore in kvstores:
        _over_links(images, place, backbone, kvstore)
    print()


def _over_links(images: Path, place: Path, backbone: str, kvstore: str) -> None:
    first: Measured | None = None
    for number, (rate, milliseconds) in enumerate(LINKS):
        home = place / f"hosts-{kvstore}-{number}"
        with _hosts(rate, milliseconds):
            found = _trained(home, images, backbone, kvstore)
        first = first or found
        size = (home / "models" / "run-0001" / "network-0000.params").stat().st_size
        print(
            f"| {kvstore} | {rate or 'not limited'} | {milliseconds} ms | {1 / found.seconds_a_step:.2f} "
            f"| {found.seconds_a_step - first.seconds_a_step:.2f} "
            f"| {found.sent / 1e6:.1f} | {found.received / 1e6:.1f} "
            f"| {found.sent / size:.2f} and {found.received / size:.2f} |"
        )


def _impossible() -> str | None:
    if missing := [tool for tool in ("ip", "tc") if shutil.which(tool) is None]:
        return f"{missing[0]} is not installed"
    return None if os.geteuid() == 0 else "only root may make them"


@contextmanager
def _hosts(rate: str | None, milliseconds: int) -> Iterator[None]:
    """Let two hosts be there while the block runs."""
    link = None
    try:
        for name in NAMES:
            _ip("netns", "add", name)
        link = _cable(milliseconds)
        for name, address in zip(NAMES, ADDRESSES, strict=True):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", name)
            _ip("-n", name, "link", "set", name, "mtu", str(FRAME_BYTES), "up")
            _ip("-n", name, "link", "set", "lo", "up")
            if rate:
                bucket = ["rate", rate, "burst", "256kb", "latency", "400ms"]
                _run("tc", "-n", name, "qdisc", "add", "dev", name, "root", "tbf", *bucket)
        yield
    finally:
        if link:
            link.kill()
            link.wait()
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], check=False)


def _cable(milliseconds: int) -> "subprocess.Popen[str] | None":
    """Join the hosts; return the process that delays what they send, if one does."""
    one, other = NAMES
    if not milliseconds:
        _ip("link", "add", one, "netns", one, "type", "veth", "peer", "name", other, "netns", other)
        return None
    link = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.cluster_link", one, other, str(milliseconds)],
        stdout=subprocess.PIPE, text=True, cwd=CLI.parent,
    )  # fmt: skip
    assert link.stdout
    link.stdout.readline()
    for name in NAMES:
        _ip("link", "set", name, "netns", name)
    return link


def _trained(home: Path, images: Path, backbone: str, kvstore: str) -> Measured:
    """Train all layers on both hosts; the cycle and the server, if there is one, are on the first."""
    home.mkdir(mode=0o700)
    (home / "whisker.toml").write_text(SETTINGS.format(kvstore=kvstore))
    recipe = f"--recipe classic --backbone {backbone} --epochs {EPOCHS} --set batch_size={BATCH_SIZE}"
    cycle = _on(0, home, *f"--json run-now --no-baseline --images {images} {recipe}".split())
    posts = [("server", 0)] * (kvstore == "dist_sync") + [("worker", 0), ("worker", 1)]
    nodes = [_on(index, home, *_node(role, index)) for role, index in posts]
    try:
        bytes_after = _bytes_after_epochs(home, cycle)
        document = json.loads(cycle.communicate(timeout=SECONDS_TO_END)[0])
    finally:
        for process in (cycle, *nodes):
            process.kill()
            process.wait()
    epochs = document["finetune"]["epochs"]
    steps = (len(epochs) - 1) * math.ceil(document["snapshot"]["train"] / BATCH_SIZE)
    seconds = sum(epoch["seconds"] for epoch in epochs[1:])
    sent, received = (last - first for first, last in zip(bytes_after[0], bytes_after[-1], strict=True))
    return Measured(seconds / steps, sent / steps, received / steps)


def _node(role: str, index: int) -> list[str]:
    return ["cluster-node", "--role", role, "--index", str(index)]


def _on(host: int, home: Path, *words: str) -> "subprocess.Popen[str]":
    """Start a command of the program on a host."""
    command = [
        "ip",
        "netns",
        "exec",
        NAMES[host],
        sys.executable,
        "-W",
        "ignore",
        str(CLI),
        "--home",
        str(home),
    ]
    return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)


def _bytes_after_epochs(home: Path, cycle: "subprocess.Popen[str]") -> list[tuple[int, int]]:
    """Return what the second host had sent and received when each epoch had ended."""
    events, found = home / "checkpoints" / "run-0001" / "cluster" / "events.jsonl", []
    while len(found) < EPOCHS and cycle.poll() is None:
        ended = events.read_bytes().count(b"\n") if events.exists() else 0
        if ended > len(found):
            found.append(_counted())
        time.sleep(0.02)
    return found


def _counted() -> tuple[int, int]:
    """Return how many bytes the second host has sent and received by its end of the cable."""
    shown: Any = json.loads(_ip("-n", NAMES[1], "-j", "-s", "link", "show", "dev", NAMES[1]))
    (link,) = shown
    return link["stats64"]["tx"]["bytes"], link["stats64"]["rx"]["bytes"]


def _ip(*words: str) -> str:
    return _run("ip", *words)


def _run(*words: str) -> str:
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
