"""How a process takes its post in a job, and where it listens."""

import json
import socket
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from jobs.cluster.beats import write_beat
from jobs.cluster.job import JobFolder, JobPlan, announce, withdraw
from jobs.cluster.node import Post, SignsOfLife, environment_of, next_job, take_post
from jobs.cluster.nodes import Role
from jobs.home import Home
from jobs.program import training_program
from pipeline.errors import BadSettings, ClusterFailed
from pipeline.records import SnapshotImage
from tests.jobs.cluster.jobs import RECIPE

IMAGE = SnapshotImage("0" * 64, "cat", "train", b"train/cat/\xff \n.jpg")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def plan() -> JobPlan:
    here = ("localhost", "localhost")
    return JobPlan(
        training_program("dist_sync"), "finetune", asdict(RECIPE), "tiny", ("cat", "dog"), "/photos", 0,
        "a training", {}, here, ("cpu", "cpu"), "dist_sync", 1, "127.0.0.1", 9091, "", 0.5,
    )  # fmt: skip


def begun(home: Home, plan: JobPlan, job_id: str = "one") -> JobFolder:
    job = JobFolder(home.checkpoints / "run-0001" / job_id, job_id)
    job.write(plan, [IMAGE])
    announce(home, job)
    return job


def test_what_is_written_for_the_nodes_is_what_they_read(home: Home, plan: JobPlan) -> None:
    job = begun(home, plan)
    assert job.read_plan() == JobPlan(**{**vars(plan), "recipe": json.loads(json.dumps(asdict(RECIPE)))})
    assert job.read_plan().as_recipe() == RECIPE
    assert list(job.read_images()) == [IMAGE]


def test_a_post_is_taken_once(home: Home, plan: JobPlan) -> None:
    job = begun(home, plan)
    assert take_post(home, "worker", 1, "one", 0).job == job
    with pytest.raises(ClusterFailed, match="in which worker 1 is free did not come within 0 seconds"):
        take_post(home, "worker", 1, None, 0)
    assert take_post(home, "worker", 0, None, 0).index == 0


NOT_THERE: dict[str, tuple[Role, int, str | None]] = {
    "another job": ("worker", 0, "two"),
    "more than there are": ("worker", 2, None),
}


@pytest.mark.parametrize(("role", "index", "job_id"), NOT_THERE.values(), ids=NOT_THERE)
def test_a_post_that_there_is_not_cannot_be_taken(
    home: Home, plan: JobPlan, role: Role, index: int, job_id: str | None
) -> None:
    begun(home, plan)
    with pytest.raises(ClusterFailed):
        take_post(home, role, index, job_id, 0)


def test_another_version_of_the_program_takes_no_part(home: Home, plan: JobPlan) -> None:
    begun(home, replace(plan, program={"code": "another"}))
    with pytest.raises(BadSettings, match="install the same version on all hosts"):
        take_post(home, "worker", 0, None, 0)


def test_who_stays_waits_for_a_job_that_it_has_not_had(home: Home, plan: JobPlan) -> None:
    assert next_job(home, "worker", 0, [], 0) is None
    first = begun(home, plan)
    assert next_job(home, "worker", 0, [], 0) == first
    assert next_job(home, "worker", 0, ["one"], 0) is None
    second = begun(home, plan, "two")
    assert next_job(home, "worker", 0, ["one"], 0) == second
    take_post(home, "worker", 0, "two", 0)
    assert next_job(home, "worker", 0, ["one"], 0) is None
    withdraw(home)
    assert next_job(home, "worker", 1, [], 0) is None


def test_the_workers_of_a_host_share_its_processors(home: Home, plan: JobPlan) -> None:
    job = JobFolder(home.folder, "one")
    one, two = (
        environment_of(Post(home, job, replace(plan, hosts=hosts), "worker", 0))["OMP_NUM_THREADS"]
        for hosts in (("localhost",), ("localhost", "localhost"))
    )
    assert int(two) == max(1, int(one) // 2)


def test_a_node_listens_at_one_address(home: Home, plan: JobPlan) -> None:
    job = JobFolder(home.folder, "one")
    assert environment_of(Post(home, job, plan, "server", 0)).items() >= {
        "DMLC_ROLE": "server", "DMLC_NODE_HOST": "127.0.0.1", "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": "9091", "DMLC_NUM_WORKER": "2", "DMLC_NUM_SERVER": "1",
    }.items()  # fmt: skip
    loopback = next(name for _, name in socket.if_nameindex())
    by_interface = environment_of(Post(home, job, replace(plan, interface=loopback), "server", 0))
    assert by_interface["DMLC_INTERFACE"] == loopback
    assert "DMLC_NODE_HOST" not in by_interface


def test_a_worker_of_horovod_listens_at_one_interface_and_no_variable_makes_it_one_of_mxnet(
    home: Home, plan: JobPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback = next(name for _, name in socket.if_nameindex())
    monkeypatch.setattr("socket.gethostname", lambda: "127.0.0.1")
    for interface in ("", loopback):
        of = replace(plan, kvstore="horovod", servers=0, interface=interface)
        told = environment_of(Post(home, JobFolder(home.folder, "one"), of, "worker", 1))
        assert told.items() >= {
            "HOROVOD_RANK": "1", "HOROVOD_SIZE": "2", "HOROVOD_GLOO_IFACE": loopback,
            "HOROVOD_GLOO_RENDEZVOUS_ADDR": "127.0.0.1", "HOROVOD_GLOO_RENDEZVOUS_PORT": "9091",
        }.items()  # fmt: skip
        assert not [name for name in told if name.startswith("DMLC_")]


@pytest.mark.parametrize(("version", "allowed"), [("0.28.1", False), ("0.28.1+iface", True)])
def test_a_horovod_that_would_listen_elsewhere_too_takes_no_part(
    home: Home, plan: JobPlan, monkeypatch: pytest.MonkeyPatch, version: str, allowed: bool
) -> None:
    """As it is from the registry, where the machine's name means another address than the interface's."""
    monkeypatch.setattr("socket.gethostname", lambda: "192.0.2.77")
    monkeypatch.setattr("jobs.cluster.horovod.version_of", lambda name: version)
    post = Post(home, JobFolder(home.folder, "one"), replace(plan, kvstore="horovod"), "worker", 0)
    if allowed:
        assert environment_of(post)["HOROVOD_RANK"] == "0"
        return
    with pytest.raises(BadSettings, match=r"would listen at 192\.0\.2\.77 too.* deploy/horovod\.sh"):
        environment_of(post)


def test_an_address_of_no_interface_is_none_for_horovod(home: Home, plan: JobPlan) -> None:
    of = replace(plan, kvstore="horovod", hosts=("192.0.2.77", "localhost"))
    with pytest.raises(BadSettings, match=r"no network interface of .* has the address 192\.0\.2\.77"):
        environment_of(Post(home, JobFolder(home.folder, "one"), of, "worker", 0))


UNUSABLE = {
    "no such interface": ({"interface": "eth99"}, "there is no 'eth99' on"),
    "no such host": ({"hosts": ("nowhere.invalid", "localhost")}, "knows no IPv4 address of nowhere.invalid"),
    "a name that is the loopback there": (
        {"hosts": ("localhost", "b.lan")},
        "where no other host reaches it",
    ),
}


@pytest.mark.parametrize(("changes", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_address_that_cannot_be_used_is_named(
    home: Home, plan: JobPlan, changes: dict[str, object], said: str
) -> None:
    post = Post(home, JobFolder(home.folder, "one"), replace(plan, **changes), "worker", 0)  # type: ignore[arg-type]
    with pytest.raises(BadSettings, match=said):
        environment_of(post)


class Left(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize(("said", "status"), [({"over": True}, 0), ({}, 1)], ids=["over", "silent"])
def test_a_node_ends_when_the_cycle_is_over_or_silent(
    home: Home, plan: JobPlan, said: dict[str, bool], status: int
) -> None:
    job = begun(home, plan)
    write_beat(job.cycle_beat, 1, said)
    left: list[int] = []

    def leave(status: int) -> None:
        left.append(status)
        raise Left

    signs = SignsOfLife(Post(home, job, plan, "server", 0), leave)
    with pytest.raises(Left):
        signs.run()
    assert left == [status]
    assert job.of("server", 0, "beat").exists()
