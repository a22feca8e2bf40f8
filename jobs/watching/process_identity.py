"""Which process is it: by its number and its start, since numbers are used again."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

HOST_VARIABLE = "WHISKER_HOST_NAME"
_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process on a machine."""

    pid: int
    start: str  # boot and ticks since then; "" where the system does not tell
    host: str

    def is_alive(self) -> bool | None:
        """Return whether it runs; None if it is (or was) on another machine or in another container."""
        if self.host != host_name():
            return None
        return is_running(self.pid) and self.start == _start_of(self.pid)


def host_name() -> str:
    """Return what this host is called: a process number means nothing on another one.

    Hosts that share a home need names of their own; containers that have none are given one by a variable.
    """
    return os.environ.get(HOST_VARIABLE) or socket.gethostname()


def this_process() -> ProcessIdentity:
    """Return the identity of the process that asks."""
    return identity_of(os.getpid())


def identity_of(pid: int) -> ProcessIdentity:
    """Return the identity of a process of this machine."""
    return ProcessIdentity(pid, _start_of(pid), host_name())


def _start_of(pid: int) -> str:
    """Return a text that no other process with this number has; "" where there is no /proc."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{fields_of_stat(pid)[19]}"
    except (OSError, IndexError):
        return ""


def is_running(pid: int) -> bool:
    """Return whether there is such a process; one that has ended and was not waited for does not run."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    try:
        return fields_of_stat(pid)[0] != "Z"
    except OSError:
        return True


def fields_of_stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name (it may hold spaces and brackets), the state first.

    OSError if there is no such process, or no /proc.
    """
    return (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].decode().split()
