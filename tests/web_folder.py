"""A real web server that lists and serves a folder, and can misbehave."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote


class WebFolder(ThreadingHTTPServer):
    """Serves a folder at `url`. `asked` has each request; `faults` misbehave, see `Fault`."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        super().__init__(("127.0.0.1", port), partial(_Handler, directory=str(folder)))

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that did not wait for the end of an answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/photos"

    def read(self) -> list[str]:
        """Return what was asked for with its content, folders aside."""
        return [line.removeprefix("GET ") for line in self.asked if line[:4] == "GET " and line[-1] != "/"]


Fault = Callable[["_Handler"], bool]  # answers a request in its own way, or returns False


def answering(status: int, end: str, *, times: int = 10**9) -> Fault:
    """Answer with a status whatever ends so, a number of times."""
    left = [times]

    def fault(request: "_Handler") -> bool:
        if not unquote(request.path).endswith(end) or not left[0]:
            return False
        left[0] -= 1
        request.send_error(status)
        return True

    return fault


def reading(fault: Fault) -> Fault:
    """Misbehave only where a content is asked for, not where its size is."""
    return lambda request: request.command == "GET" and fault(request)


def cutting_off(end: str) -> Fault:
    """Announce more bytes than are sent."""

    def fault(request: "_Handler") -> bool:
        if request.command != "GET" or not request.path.endswith(end):
            return False
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"too little")
        request.close_connection = True
        return True

    return fault


def before_reading(end: str, action: Callable[[], object]) -> Fault:
    """Do something before a file's content is sent."""

    def fault(request: "_Handler") -> bool:
        if request.command == "GET" and request.path.endswith(end):
            action()
        return False

    return fault


def silent(end: str, seconds: float) -> Fault:
    """Answer late."""

    def fault(request: "_Handler") -> bool:
        if request.command == "GET" and request.path.endswith(end):
            time.sleep(seconds)
        return False

    return fault


class _Handler(SimpleHTTPRequestHandler):
    server: WebFolder
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._misbehaves():
            super().do_GET()

    def do_HEAD(self) -> None:
        if not self._misbehaves():
            super().do_HEAD()

    def _misbehaves(self) -> bool:
        self.server.asked.append(f"{self.command} {self.path}")
        return any(fault(self) for fault in self.server.faults)

    def log_message(self, *_: Any) -> None:
        pass


def _gone(request: Any) -> bool:
    """Answer nothing, and end the connection, as those of a server do that has ended."""
    request.close_connection = True
    return True


@contextmanager
def served(folder: Path, port: int = 0) -> Iterator[WebFolder]:
    """Serve a folder as the address of `WebFolder.url`."""
    with WebFolder(folder, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.faults[:] = [_gone]  # its threads still hold the connections that clients have kept
