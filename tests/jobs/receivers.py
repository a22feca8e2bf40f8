"""A web server on the loopback that keeps what it is sent, and answers as a test tells it to."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    held: threading.Event | None = None  # it is not given before this is set


@dataclass(frozen=True)
class Received:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """What the server was sent, and where it is."""

    port: int
    replies: list[Reply]  # one a request; then 200
    received: list[Received] = field(default_factory=list)

    @property
    def address(self) -> str:
        """An address with a secret in it."""
        return f"http://127.0.0.1:{self.port}/hooks/s3cret-token"


@contextmanager
def receiving(*replies: Reply) -> Iterator[Receiver]:
    """Run a server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received("POST", self.path, dict(self.headers), body))
            self._answer(receiver.replies.pop(0) if receiver.replies else Reply())

        def do_GET(self) -> None:
            receiver.received.append(Received("GET", self.path, dict(self.headers), b""))
            self._answer(Reply())

        def _answer(self, reply: Reply) -> None:
            if reply.held:
                reply.held.wait(30)
            self.send_response(reply.status, "s3cret-token is wrong")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port, list(replies))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
