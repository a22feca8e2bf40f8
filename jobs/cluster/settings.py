"""Which hosts train together, and how their processes are started: the settings of [cluster], checked."""

import importlib.util
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jobs.schedule import parse_interval
from pipeline.device import parse_device
from pipeline.errors import BadSettings, WhiskerError

if TYPE_CHECKING:
    from jobs.config import Config

Start = Literal["local", "ssh", "by-hand"]
KVStore = Literal["dist_sync", "horovod"]  # what adds up: MXNet's parameter server, or Horovod
_HOST = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
HERE = ("localhost", "127.0.0.1")
NO_HOROVOD = (
    '[cluster] kvstore = "horovod" needs Horovod, built for the MXNet that is installed, on {host} ({why}); '
    'deploy/horovod.sh installs it, and kvstore = "dist_sync" needs nothing'
)


@dataclass(frozen=True)
class ClusterSettings:
    """The hosts that train together."""

    hosts: tuple[str, ...]  # one for each worker; USER@HOST where ssh needs it
    start: Start
    scheduler: str  # name or address of the host of the cycle, as the others see it
    port: int  # of the scheduler; 0: a free one
    kvstore: KVStore
    servers: int  # of the kind `dist_sync`; Horovod has none
    interface: str  # of the network on every host; "": the one of the host's own name
    devices: tuple[str, ...]  # one for each worker
    patience_seconds: float  # a node that is silent for so long ends the training
    wait_seconds: float  # for all nodes to be there
    ssh_options: tuple[str, ...]
    program: tuple[str, ...]  # on the other hosts; (): as here
    home: str  # there; "": as here

    @classmethod
    def of(cls, config: "Config") -> "ClusterSettings":
        """Return the settings of a home.

        Raises:
            BadSettings: they do not fit each other.
        """
        names = tuple(address_of(host) for host in config.cluster_hosts)
        _check(config, [name for name in names if name not in HERE])
        devices = config.cluster_devices or (config.device,)
        return cls(
            hosts=config.cluster_hosts,
            start=config.cluster_start,  # type: ignore[arg-type]  # checked when it was read
            scheduler=config.cluster_scheduler or HERE[1],
            port=config.cluster_port,
            kvstore=config.cluster_kvstore,  # type: ignore[arg-type]  # likewise
            servers=0 if config.cluster_kvstore == "horovod" else config.cluster_servers,
            interface=config.cluster_interface,
            devices=devices * len(names) if len(devices) == 1 else devices,
            patience_seconds=parse_interval(config.cluster_patience).total_seconds(),
            wait_seconds=parse_interval(config.cluster_wait).total_seconds(),
            ssh_options=config.cluster_ssh_options,
            program=config.cluster_program,
            home=config.cluster_home,
        )

    @property
    def summary(self) -> str:
        """What a run's numbers may depend on."""
        by = "Horovod" if self.kvstore == "horovod" else _number(self.servers, "server")
        return f"{_number(len(self.hosts), 'worker')}, {by}"


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"


def _check(config: "Config", others: Sequence[str]) -> None:
    """Check what one setting asks of another; `others` are the hosts that are not this one."""
    workers = len(config.cluster_hosts)
    if len(config.cluster_devices) not in (0, 1, workers):
        raise BadSettings(
            f"[cluster] devices names {len(config.cluster_devices)} devices for {workers} hosts; give one "
            "for all, or one for each"
        )
    if len({len(parse_device(name)[1]) or 1 for name in config.cluster_devices}) > 1:
        raise BadSettings("[cluster] devices must name as many devices for one host as for another")
    if config.cluster_kvstore == "horovod":
        _check_horovod(config)
    if others and config.cluster_start == "local":
        raise BadSettings(
            f'[cluster] start = "local" starts processes of this machine alone, and hosts names {others[0]}; '
            'write "localhost" for each worker, or start = "ssh" or "by-hand"'
        )
    if others and address_of(config.cluster_scheduler) in ("", *HERE):
        raise BadSettings(
            f"[cluster] scheduler must be the name or address by which {others[0]} reaches this machine"
        )


def _check_horovod(config: "Config") -> None:
    devices = config.cluster_devices or (config.device,)
    if several := next((name for name in devices if len(parse_device(name)[1]) > 1), None):
        raise BadSettings(
            f'[cluster] kvstore = "horovod" gives each worker one device, and not {several}; name the host '
            "once for each of them in hosts, and the devices in the same order in devices"
        )
    if config.cluster_servers > 1:
        raise BadSettings('[cluster] kvstore = "horovod" has no servers; leave servers out')
    if importlib.util.find_spec("horovod") is None:
        raise BadSettings(NO_HOROVOD.format(host="this machine", why="there is none"))


def free_port(settings: ClusterSettings) -> int:
    """Return a port for the scheduler that is free now.

    Raises:
        BadSettings: its address is none of this machine.
    """
    with socket.socket() as listening:
        try:
            listening.bind((address_of(settings.scheduler), 0))
        except OSError as error:
            raise BadSettings(
                f"[cluster] scheduler = {settings.scheduler!r} is no address of this machine "
                f"({error.strerror}); give the name or address by which the other hosts reach it"
            ) from error
        port: int = listening.getsockname()[1]
        return port


def address_of(host: str) -> str:
    """Return the name or address of a host without its user."""
    return host.rpartition("@")[2]


def hosts(names: tuple[str, ...]) -> None:
    """Check that each of some texts can be the name or the IPv4 address of a host, perhaps with a user."""
    if wrong := next((name for name in names if not _HOST.fullmatch(name)), None):
        raise ValueError(f"has {wrong!r}, which is no name or IPv4 address of a host, nor USER@HOST")


def devices_of_hosts(names: tuple[str, ...]) -> None:
    """Check that each of some texts names devices of one host."""
    for name in names:
        try:
            parse_device(name)
        except WhiskerError as error:
            raise ValueError(f"has an error: {error}") from None


def absolute(path: str) -> None:
    """Check that a path of another host does not depend on a working folder."""
    if not path.startswith("/"):
        raise ValueError("is not a path that begins with /")
