"""A way to a server that can be cut, or swallow all that passes, as a network or a host that dies does."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url


class Proxy:
    """Passes bytes between who connects to `port` and a server."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._swallows = self._refuses = False
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """Let nothing pass any more in either direction; all connections stay, and new ones are taken."""
        self._swallows = True

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        self._refuses = True
        self._close_pairs()

    def mend(self) -> None:
        """Let all pass again; what was swallowed is gone, and so are its connections."""
        if self._swallows:
            self._close_pairs()
        self._swallows = self._refuses = False

    def close(self) -> None:
        self._refuses = True
        self._listener.close()
        self._close_pairs()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                if self._refuses:
                    ours.close()
                    continue
                self.connections += 1
                theirs = socket.create_connection(self._server)
                self._pairs.append((ours, theirs))
                for source, target in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not self._swallows:
                    target.sendall(data)
            if not self._swallows:
                target.shutdown(socket.SHUT_WR)

    def _close_pairs(self) -> None:
        pairs, self._pairs = self._pairs, []
        for one in (end for pair in pairs for end in pair):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """Give a proxy to the server of a URL, and the URL that leads through it."""
    there = make_url(url)
    proxy = Proxy((str(there.host), int(there.port or 5432)))
    try:
        yield proxy, there.set(port=proxy.port).render_as_string(hide_password=False)
    finally:
        proxy.close()
