"""Whether all nodes of a job are alive and at work, as the cycle sees it."""

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.cluster.beats import Watched
from jobs.cluster.job import JobFolder
from jobs.cluster.nodes import Node, nodes_of
from jobs.cluster.processes import Started
from jobs.cluster.settings import ClusterSettings
from pipeline import errors
from pipeline.errors import ClusterFailed, OutOfMemory, WhiskerError

STANDSTILL = 5  # times the patience: so long all may be alive and no worker get on
ABORT = signal.SIGABRT.name  # of MXNet, which ends itself so when it has lost another one


@dataclass
class NodeWatch:
    """What was seen of the nodes of a job."""

    settings: ClusterSettings
    job: JobFolder
    started: Sequence[Started]
    begun: float  # by a clock that only counts, as all other instants here
    nodes: dict[Node, Watched] = field(default_factory=dict)
    progress: tuple[Any, ...] = ()  # of the workers
    moved: float = 0.0  # when that changed last

    def __post_init__(self) -> None:
        self.nodes = {node: Watched(self.begun) for node in nodes_of(self.settings)}
        self.moved = self.begun

    @property
    def workers(self) -> list[Node]:
        """The nodes that train."""
        return [node for node in self.nodes if node.role == "worker"]

    def ends(self) -> dict[Node, Mapping[str, Any]]:
        """Return what the workers say that have ended by themselves.

        Raises:
            WhiskerError: what one of them has failed with.
        """
        ends = {node: end for node in self.workers if (end := self._end_of(node)) is not None}
        for node, end in ends.items():
            if "error" in end:
                failed = _as_raised(node, end)
                if isinstance(failed, ClusterFailed):
                    self._check_processes(ends)  # the death of another one is what this came of
                raise failed
        return ends

    def _end_of(self, node: Node) -> Mapping[str, Any] | None:
        try:
            end: Mapping[str, Any] = json.loads(self.job.of("worker", node.index, "end").read_bytes())
        except (OSError, ValueError):
            return None
        return end

    def check(self, ended: Mapping[Node, object], now: float) -> None:
        """Check that every node lives and that the workers get on.

        Args:
            ended: the workers that have done their work, and may be gone.
            now: the time.

        Raises:
            ClusterFailed: one is dead or silent, did not come, or all stand still.
        """
        self._check_processes(ended)
        for node, watched in self.nodes.items():
            silent = watched.look(self.job.of(node.role, node.index, "beat"), now)
            if not watched.seen and silent > self.settings.wait_seconds:
                raise ClusterFailed(f"{node} did not come within {self.settings.wait_seconds:g} seconds")
            if watched.seen and silent > self.settings.patience_seconds and node not in ended:
                raise ClusterFailed(
                    f"{node} has given no sign of life for {self.settings.patience_seconds:g} seconds"
                )
        self._check_progress(now)

    def _check_processes(self, ended: Mapping[Node, object]) -> None:
        dead = [(one, how) for one in self.started if one.node not in ended and (how := one.death())]
        for one, how in sorted(dead, key=lambda found: found[1] == ABORT):
            raise ClusterFailed(f"{one.node} has ended ({how}){one.last_words()}")

    def _check_progress(self, now: float) -> None:
        progress = tuple(str(self.nodes[node].last.get("progress")) for node in self.workers)
        if progress != self.progress or not all(watched.seen for watched in self.nodes.values()):
            self.progress, self.moved = progress, now
        limit = STANDSTILL * self.settings.patience_seconds
        if now - self.moved > limit:
            raise ClusterFailed(f"all nodes live, but no worker has got on for {limit:g} seconds")

    def stage(self) -> tuple[str, int, int]:
        """Return the stage in which worker 0 is, and how many images of it are done by all workers in it.

        Until all nodes are there, the stage is the wait for them.
        """
        here = sum(watched.seen for watched in self.nodes.values())
        if here < len(self.nodes):
            return "waiting for the cluster", here, len(self.nodes)
        told = [self.nodes[node].last.get("progress") or ["start", 0, 0] for node in self.workers]
        stage, _, total = told[0]
        return stage, min(total, sum(done for other, done, _ in told if other == stage)), total


def _as_raised(node: Node, end: Mapping[str, Any]) -> WhiskerError:
    """Return the error that a worker has ended with, as it was raised there."""
    kind = getattr(errors, str(end.get("kind")), ClusterFailed)
    message = f"{end['error']} ({node})"
    if kind is OutOfMemory:
        return OutOfMemory(message, goes_on=bool(end.get("goes_on")))
    fits = isinstance(kind, type) and issubclass(kind, WhiskerError) and kind is not errors.Interrupted
    return kind(message) if fits else ClusterFailed(message)
