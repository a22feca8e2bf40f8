"""A server that listens, says so, and ends when a signal asks for it."""

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from jobs.stop import StopFlag
from pipeline.errors import CannotListen

MOST_CONNECTIONS = 100  # each may send an image
SECONDS_TO_FINISH = 5  # what is being answered when a signal comes
_REASONS = {
    errno.EADDRINUSE: "is in use; choose another --port, or end the program that listens there",
    errno.EACCES: "may only be used by root; choose a --port from 1024 on",
    errno.EADDRNOTAVAIL: "is no address of this machine; choose another --host",
}


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        CannotListen: the address cannot be used.
    """
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family, backlog=MOST_CONNECTIONS)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or f"cannot be used ({error.strerror}); choose another --host"
        raise CannotListen(f"port {port} of {host} {reason}") from error


def address_of(listening: socket.socket, host: str) -> str:
    """Return the address to open in a browser; of a server that listens everywhere, by the machine's name."""
    bound, port = listening.getsockname()[:2]
    if ipaddress.ip_address(bound).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(app: ASGIApp, listening: socket.socket, flag: StopFlag, say_ready: Callable[[], None]) -> None:
    """Answer requests until a signal sets the flag; what is being answered then has some seconds more."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would show the token in an address; the guard logs what it may
        ws="none",
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    _Server(config, flag, say_ready).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Heeds our flag instead of signal handlers of its own."""

    def __init__(self, config: uvicorn.Config, flag: StopFlag, say_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._flag, self._say_ready = flag, say_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers as they are."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._say_ready()

    async def on_tick(self, counter: int) -> bool:
        """Return whether it is time to end; asked ten times a second."""
        return self._flag.signal_number is not None or await super().on_tick(counter)
