"""What systemd is told by a service of `Type=notify`: see sd_notify(3)."""

import contextlib
import os
import socket
from collections.abc import Callable, MutableMapping

MOST_SECONDS = 10.0  # between two signs of life


class ServiceManager:
    """The service manager that started us, if one did. It is told by datagrams; none of them is vital."""

    def __init__(self, environment: MutableMapping[str, str], monotonic: Callable[[], float]) -> None:
        # Taken away, so that no child speaks in our name.
        address = environment.pop("NOTIFY_SOCKET", "")
        for_us = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = environment.pop("WATCHDOG_USEC", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._every = min(int(micros) / 3e6, MOST_SECONDS) if micros.isdecimal() and for_us else None
        self._monotonic = monotonic
        self._next, self._status = 0.0, ""

    def ready(self) -> None:
        """Say that the service works."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that the settings are read again; `ready` says that it is done."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(self._monotonic() * 1e6)}")

    def stopping(self) -> None:
        """Say that the service ends."""
        self._send("STOPPING=1")

    def status(self, sentence: str) -> None:
        """Say what the service does, for `systemctl status`; the same sentence is not said twice."""
        if sentence != self._status:
            self._status = sentence
            self._send(f"STATUS={' '.join(sentence.split())}")

    def alive(self) -> None:
        """Say that the service is alive, if that is watched and it is time."""
        moment = self._monotonic()
        if self._every is not None and moment >= self._next:
            self._next = moment + self._every
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.sendto(message.encode("utf-8", "backslashreplace"), self._address)
