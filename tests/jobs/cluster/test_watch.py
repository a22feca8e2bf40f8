"""Whether the cycle notices that a node is silent, never came, or does not get on, by a clock of the test."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.cluster.beats import read_beat, write_beat
from jobs.cluster.job import JobFolder
from jobs.cluster.processes import Started
from jobs.cluster.watch import NodeWatch
from pipeline.errors import ClusterFailed, OutOfMemory, TrainingDiverged
from tests.jobs.cluster.jobs import settings

PATIENCE, WAIT = 3.0, 60.0


@dataclass
class Nodes:
    """Nodes that beat as a test wants."""

    watch: NodeWatch

    def beat(self, count: int, *, but: str = "", progress: Any = ("epoch 1/2", 4, 24)) -> None:
        for node in self.watch.nodes:
            if node.key != but:
                write_beat(self.watch.job.folder / f"{node.key}.beat", count, {"progress": progress})

    def end(self, index: int, **said: Any) -> None:
        self.watch.job.of("worker", index, "end").write_text(json.dumps(said))


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    return Nodes(NodeWatch(settings(patience="3s"), JobFolder(tmp_path, "job"), (), begun=0.0))


@pytest.mark.parametrize("silent", ["scheduler-0", "server-0", "worker-0", "worker-1"])
def test_a_node_that_is_silent_for_too_long_ends_the_training(nodes: Nodes, silent: str) -> None:
    nodes.beat(1)
    nodes.watch.check({}, 1.0)
    nodes.beat(2, but=silent, progress=("epoch 1/2", 8, 24))
    nodes.watch.check({}, 1.0 + PATIENCE)
    with pytest.raises(
        ClusterFailed, match=f"^{silent.replace('-', ' ')} on .* no sign of life for 3 seconds$"
    ):
        nodes.watch.check({}, 1.1 + PATIENCE)


def test_a_node_that_never_comes_is_named(nodes: Nodes) -> None:
    nodes.beat(1, but="worker-1")
    nodes.watch.check({}, 1.0)
    nodes.beat(2, but="worker-1")
    with pytest.raises(ClusterFailed, match=r"^worker 1 on localhost did not come within 60 seconds$"):
        nodes.watch.check({}, WAIT + 0.1)


def test_nodes_that_live_and_do_not_get_on_end_the_training(nodes: Nodes) -> None:
    for second in range(int(5 * PATIENCE) + 1):
        nodes.beat(second)
        nodes.watch.check({}, float(second))
    nodes.beat(100)
    with pytest.raises(ClusterFailed, match="no worker has got on for 15 seconds"):
        nodes.watch.check({}, 5 * PATIENCE + 0.1)


def test_a_wait_for_a_node_is_no_standstill(nodes: Nodes) -> None:
    for second in range(int(WAIT)):
        nodes.beat(second, but="worker-1")
        nodes.watch.check({}, float(second))
    assert nodes.watch.stage() == ("waiting for the cluster", 3, 4)


def test_what_is_done_is_added_up_over_workers(nodes: Nodes) -> None:
    nodes.beat(1, progress=("epoch 2/2", 10, 24))
    nodes.watch.check({}, 1.0)
    assert nodes.watch.stage() == ("epoch 2/2", 20, 24)


def test_a_worker_that_has_ended_well_need_not_beat_any_more(nodes: Nodes) -> None:
    nodes.beat(1)
    nodes.watch.check({}, 1.0)
    nodes.end(1, unreadable={})
    ended = nodes.watch.ends()
    assert [str(node) for node in ended] == ["worker 1 on localhost"]
    nodes.beat(2, but="worker-1")
    nodes.watch.check(ended, 10.0)


def test_the_error_of_a_worker_is_raised_as_what_it_was(nodes: Nodes) -> None:
    nodes.end(0, error="the loss is nan", kind="TrainingDiverged")
    with pytest.raises(TrainingDiverged, match=r"^the loss is nan \(worker 0 on localhost\)$"):
        nodes.watch.ends()


def test_a_lack_of_memory_goes_on_in_smaller_parts(nodes: Nodes) -> None:
    nodes.end(0, error="there is too little memory", kind="OutOfMemory", goes_on=True)
    with pytest.raises(OutOfMemory) as raised:
        nodes.watch.ends()
    assert raised.value.goes_on


def test_a_death_is_told_before_what_comes_of_it(nodes: Nodes, tmp_path: Path) -> None:
    """Worker 1 says that another one is gone, which worker 0 is: killed, and without a word."""
    killed = subprocess.Popen(["sleep", "60"])
    killed.kill()
    killed.wait()
    first = next(node for node in nodes.watch.nodes if node.key == "worker-0")
    nodes.watch.started = [Started(first, "local", killed, tmp_path / "log")]
    nodes.end(1, error="another worker is gone", kind="ClusterFailed")
    with pytest.raises(ClusterFailed, match=r"^worker 0 on localhost has ended \(SIGKILL\)$"):
        nodes.watch.ends()


@pytest.mark.parametrize("kind", ["Exception", "WhiskerErrors", "Interrupted", "__doc__"])
def test_a_kind_that_is_none_of_ours_is_a_node_that_failed(nodes: Nodes, kind: str) -> None:
    nodes.end(0, error="so it went", kind=kind)
    with pytest.raises(ClusterFailed, match="so it went"):
        nodes.watch.ends()


def test_a_beat_that_is_being_written_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.beat"
    write_beat(file, 1_000, {"progress": ["a long word", 1, 2]})
    write_beat(file, 1, {})
    assert read_beat(file) == {"beat": 1}
    file.write_text('{"beat": 2}"progress"')
    assert read_beat(file) is None
    write_beat(tmp_path / "gone" / "a.beat", 1, {})  # the next one comes
