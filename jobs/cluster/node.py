"""One process of a cluster: finds its job, gives signs of life, and ends when the cycle does.

MXNet takes its role from the environment at import, and in a scheduler or server the import returns only when
all workers have ended. So what watches is a thread, and what it does in the end is `os._exit`: nothing here
holds what must be put in order, and MXNet's own end waits for the others, who may be dead.
"""

import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from jobs.cluster.beats import OVER, Watched, every_seconds, write_beat
from jobs.cluster.horovod import be_rendezvous, worker_environment
from jobs.cluster.job import JobFolder, JobPlan, announced
from jobs.cluster.nodes import Role
from jobs.cluster.settings import HERE, address_of
from jobs.home import Home
from pipeline.errors import BadSettings, ClusterFailed
from pipeline.processors import computing_threads

log = logging.getLogger("whisker")
LOOK_SECONDS = 0.2  # for a job


@dataclass(frozen=True)
class Post:
    """Which node a process is, of which job."""

    home: Home
    job: JobFolder
    plan: JobPlan
    role: Role
    index: int

    @property
    def host(self) -> str:
        """Its host, as the settings have it; servers are dealt out to the hosts of the workers."""
        hosts = self.plan.hosts
        return self.plan.scheduler if self.role == "scheduler" else hosts[self.index % len(hosts)]


def take_post(home: Home, role: Role, index: int, job_id: str | None, wait_seconds: float) -> Post:
    """Wait for a job in a home, and take one of its posts.

    Args:
        home: shared with the cycle.
        role: of this process.
        index: among those of its role.
        job_id: of the only job that will do; None: the next one that wants such a node and has it not.
        wait_seconds: after that there will be none.

    Raises:
        ClusterFailed: no such job came.
        BadSettings: the job was begun by another version of the program.
    """
    end = time.monotonic() + wait_seconds
    while True:
        job = announced(home)
        if job and job_id in (None, job.id) and (post := _taken(home, job, role, index)):
            return post
        if time.monotonic() >= end:
            which = f"the job {job_id}" if job_id else "a job"
            raise ClusterFailed(
                f"{which} in which {role} {index} is free did not come within {wait_seconds:g} seconds in "
                f"{home.folder}"
            )
        time.sleep(LOOK_SECONDS)


def _taken(home: Home, job: JobFolder, role: Role, index: int) -> Post | None:
    try:
        plan = job.read_plan()
        number = {"scheduler": 1, "server": plan.servers, "worker": len(plan.hosts)}[role]
        if index >= number:
            return None
        claim = os.open(job.of(role, index, "claim"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return None  # somebody has it, or the job is over by now
    os.write(claim, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
    os.close(claim)
    return Post(home, job, plan, role, index)


class SignsOfLife(threading.Thread):
    """Beats for this process, and ends it when the cycle is over or silent."""

    def __init__(self, post: Post, leave: Callable[[int], object]) -> None:
        super().__init__(daemon=True)
        self._post, self._leave = post, leave
        self._progress: tuple[str, int, int] = ("start", 0, 0)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Take how far the work of this process is."""
        self._progress = (stage, done, total)

    def run(self) -> None:
        """Go on until the end of the process."""
        job, patience = self._post.job, self._post.plan.patience_seconds
        cycle, count = Watched(time.monotonic()), 0
        while True:
            count += 1
            write_beat(job.of(self._post.role, self._post.index, "beat"), count, {"progress": self._progress})
            silent = cycle.look(job.cycle_beat, time.monotonic())
            if cycle.last.get(OVER):
                self._leave(0)
            if silent > patience:
                log.error("the cycle has given no sign of life for %g seconds; this node ends", patience)
                self._leave(1)
            time.sleep(every_seconds(patience))


def leave(status: int) -> NoReturn:
    """End this process at once, as it stands."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def leave_with_the_input() -> None:
    """End this process when what holds its standard input does: the cycle, or the ssh that came from it."""

    def read() -> None:
        while os.read(0, 65_536):
            pass
        leave(1)

    threading.Thread(target=read, daemon=True).start()


def environment_of(post: Post) -> dict[str, str]:
    """Return the variables by which MXNet or Horovod knows its role, and listens at one address alone.

    Raises:
        BadSettings: this host's name or the interface of the network cannot be used.
    """
    plan, host = post.plan, address_of(post.host)
    is_worker = post.role == "worker"
    beside = sum(address_of(other) == host for other in plan.hosts) if is_worker else 1
    threads = str(max(1, computing_threads() // beside) if is_worker else 1)
    own = _own_address(plan, host)
    if plan.kvstore == "horovod":
        joined = worker_environment(plan, post.index, _scheduler_of(plan), own) if is_worker else {}
    else:
        joined = _of_parameter_server(post, own)
    return {"OMP_NUM_THREADS": threads, **joined}


def _of_parameter_server(post: Post, own: str) -> Mapping[str, str]:
    plan = post.plan
    return {
        "DMLC_ROLE": post.role,
        "DMLC_PS_ROOT_URI": _scheduler_of(plan),
        "DMLC_PS_ROOT_PORT": str(plan.port),
        "DMLC_NUM_WORKER": str(len(plan.hosts)),
        "DMLC_NUM_SERVER": str(plan.servers),
        **({"DMLC_INTERFACE": plan.interface} if plan.interface else {"DMLC_NODE_HOST": own}),
    }


def _scheduler_of(plan: JobPlan) -> str:
    return _resolved(address_of(plan.scheduler))


def _own_address(plan: JobPlan, host: str) -> str:
    """Return the address at which a process on this host listens; "": that of the plan's interface."""
    if plan.interface:
        if plan.interface not in (name for _, name in socket.if_nameindex()):
            raise BadSettings(
                f"[cluster] interface: there is no {plan.interface!r} on {socket.gethostname()}"
            )
        return ""
    own = _resolved(host)
    if own.startswith("127.") and any(address_of(other) not in HERE for other in plan.hosts):
        raise BadSettings(
            f"{host} is {own} on {socket.gethostname()} itself, where no other host reaches it; write its "
            "address into hosts, or set interface, both in [cluster]"
        )
    return own


def _resolved(host: str) -> str:
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise BadSettings(
            f"[cluster]: {socket.gethostname()} knows no IPv4 address of {host} ({error.strerror})"
        ) from error


def run_node(
    home: Home, role: Role, index: int, job_id: str | None, wait_seconds: float, *, ends_with_input: bool
) -> NoReturn:
    """Be a node until the job is over; see `take_post`."""
    if ends_with_input:
        leave_with_the_input()
    post = take_post(home, role, index, job_id, wait_seconds)
    signs = SignsOfLife(post, leave)
    signs.start()
    os.environ.update(environment_of(post))
    if role == "worker":
        _work(post, signs)
    if post.plan.kvstore == "horovod":
        be_rendezvous(post.plan, _scheduler_of(post.plan))
    import pipeline.runtime  # noqa: F401 - returns when all workers have ended

    leave(0)


def _work(post: Post, signs: SignsOfLife) -> NoReturn:
    from jobs.cluster.worker import work

    status = 1
    try:
        status = work(post, signs)
    except Exception:  # whatever it is, an end by Python would wait for MXNet's, and that for the others
        log.exception("this worker has failed")
    leave(status)


def next_job(
    home: Home, role: Role, index: int, done: Collection[str], wait_seconds: float
) -> JobFolder | None:
    """Wait for a job that is not among those which are done, with a free post; None if none comes in time."""
    end = time.monotonic() + wait_seconds
    while True:
        job = announced(home)
        if job and job.id not in done and not job.of(role, index, "claim").exists():
            return job
        if time.monotonic() >= end:
            return None
        time.sleep(LOOK_SECONDS)
