"""What systemd is told, over a real socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.watching.service_manager import MOST_SECONDS, ServiceManager


class Time:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(params=["in the file system", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Return a socket that systemd would have, and its address as NOTIFY_SOCKET has it."""
    abstract = request.param == "abstract"
    address = f"@whisker-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{address[1:]}" if abstract else address)
        receiver.setblocking(False)
        yield receiver, address


def heard(receiver: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(receiver.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_start_reload_and_end_are_told(listening: tuple[socket.socket, str]) -> None:
    receiver, address = listening
    environment = {"NOTIFY_SOCKET": address, "HOME": "/"}
    service = ServiceManager(environment, Time())
    service.ready()
    service.reloading()
    service.status("looks every 10m\nREADY=1")
    service.status("looks every 10m\nREADY=1")
    service.stopping()
    assert heard(receiver) == [
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=1000000000",
        "STATUS=looks every 10m READY=1",
        "STOPPING=1",
    ]
    assert environment == {"HOME": "/"}, "a child must not speak in our name"


def test_the_watchdog_is_told_three_times_in_its_interval(listening: tuple[socket.socket, str]) -> None:
    receiver, address = listening
    time = Time()
    service = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "6000000"}, time)
    for _ in range(60):
        service.alive()
        time.seconds += 0.1
    assert heard(receiver) == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    "watchdog", [{}, {"WATCHDOG_USEC": "no"}, {"WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "1"}]
)
def test_without_a_watchdog_of_ours_nothing_is_said_to_it(
    listening: tuple[socket.socket, str], watchdog: dict[str, str]
) -> None:
    receiver, address = listening
    ServiceManager({"NOTIFY_SOCKET": address, **watchdog}, Time()).alive()
    assert heard(receiver) == []


def test_a_long_interval_hears_of_us_every_ten_seconds() -> None:
    service = ServiceManager({"WATCHDOG_USEC": str(10**9)}, Time())
    assert service._every == MOST_SECONDS


def test_nobody_listening_is_no_failure(tmp_path: Path) -> None:
    ServiceManager({}, Time()).ready()
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "none")}, Time()).ready()
