"""Where the workers of Horovod find each other: what each is told, and the server that all of them ask.

Horovod's own launcher starts processes in ways of its own. Its workers need no more than these variables and
that server, so they are started and ended here as those of MXNet's parameter server are. Source:
https://github.com/horovod/horovod/blob/v0.28.1/horovod/runner/gloo_run.py
"""

import socket
from collections.abc import Mapping
from typing import NoReturn

from jobs.cluster.job import JobPlan
from jobs.cluster.settings import NO_HOROVOD
from jobs.environment import version_of
from pipeline.errors import BadSettings

MENDED = "+iface"  # the end of the version that deploy/horovod.sh builds

# Horovod would give up by itself after half a minute without a message; here the cycle decides who is silent.
NEVER_SECONDS = 1_000_000  # as milliseconds it fits into 32 bits


def rank_of(index: int, workers: int) -> dict[str, int]:
    """Return which worker this is; to Horovod each is a host of its own, since all of them talk by TCP."""
    return {
        "rank": index,
        "size": workers,
        "local_rank": 0,
        "local_size": 1,
        "cross_rank": index,
        "cross_size": workers,
    }


def worker_environment(plan: JobPlan, index: int, scheduler: str, own: str) -> Mapping[str, str]:
    """Return the variables by which Horovod knows a worker.

    Args:
        plan: of the job.
        index: of the worker.
        scheduler: the address of the server that all workers ask.
        own: the address at which this one listens; not asked where the plan names an interface.

    Raises:
        BadSettings: no interface of this host has that address, or this Horovod would listen elsewhere too.
    """
    interface = plan.interface or _interface_with(own)
    _check_where_it_listens(interface)
    rank = {f"HOROVOD_{name.upper()}": str(of) for name, of in rank_of(index, len(plan.hosts)).items()}
    return {
        **rank,
        "HOROVOD_HOSTNAME": _name_of(index),
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": scheduler,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(plan.port),
        "HOROVOD_GLOO_IFACE": interface,
        "HOROVOD_GLOO_TIMEOUT_SECONDS": str(NEVER_SECONDS),
        "HOROVOD_STALL_CHECK_DISABLE": "1",
    }


def _name_of(index: int) -> str:
    return f"worker-{index}"


def _interface_with(address: str) -> str:
    for name, addresses in _addresses().items():
        if address in addresses:
            return name
    raise BadSettings(
        f"[cluster]: no network interface of {socket.gethostname()} has the address {address}; set interface"
    )


def _addresses() -> Mapping[str, list[str]]:
    """Return the IPv4 addresses of each network interface."""
    import psutil  # Horovod needs it, nothing else here does

    return {
        str(name): [has.address for has in all_of if has.family == socket.AF_INET]
        for name, all_of in psutil.net_if_addrs().items()
    }


def _check_where_it_listens(interface: str) -> None:
    """Check that Horovod listens at an interface alone; `deploy/horovod.sh` says what it does otherwise."""
    if (version_of("horovod") or "").endswith(MENDED):
        return
    name = socket.gethostname()
    try:
        own = socket.gethostbyname(name)
    except OSError:
        own = "an unknown address"
    if own not in _addresses().get(interface, ()):
        raise BadSettings(
            f'[cluster] kvstore = "horovod": it would listen at {own} too, that of the name {name}, '
            f"and not at {interface} alone; install it by deploy/horovod.sh, which mends that"
        )


def be_rendezvous(plan: JobPlan, address: str) -> NoReturn:
    """Tell the workers where the others listen, until the process is ended.

    Raises:
        BadSettings: Horovod is not installed, or the port is taken.
    """
    try:
        from horovod.runner.common.util.hosts import SlotInfo
        from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer
    except ImportError as error:
        raise BadSettings(NO_HOROVOD.format(host=socket.gethostname(), why=error)) from error
    workers = len(plan.hosts)
    slots = [SlotInfo(hostname=_name_of(index), **rank_of(index, workers)) for index in range(workers)]
    try:
        server = RendezvousHTTPServer((address, plan.port), RendezvousHandler, False)
    except OSError as error:
        raise BadSettings(
            f"[cluster]: port {plan.port} of {address} cannot be listened at ({error.strerror}); set another"
        ) from error
    server.init(slots)
    server.serve_forever()
    raise AssertionError("nobody shuts it down")
