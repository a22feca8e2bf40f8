"""A small model zoo on this machine: real files, and a real web server, which can also misbehave."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipeline.backbones import Backbone, WeightsSource, backbone_named
from pipeline.runtime import mx


@dataclass
class Zoo:
    """A real, small weights file, packed as the model zoo packs it, and the backbone it belongs to."""

    backbone: Backbone
    params: Path
    archive: Path

    @property
    def web_path(self) -> str:
        return f"/gluon/models/{self.archive.name}"


def pack_zoo(folder: Path) -> Zoo:
    """Make the files of a zoo of one network, mobilenet0.25 for 5 classes."""
    network = backbone_named("mobilenet0.25").build(5)
    network.initialize(mx.init.Xavier())
    network.save_parameters(str(folder / "params"))
    sha1 = hashlib.sha1((folder / "params").read_bytes()).hexdigest()
    params = (folder / "params").rename(folder / f"mobilenet0.25-{sha1[:8]}.params")
    archive = params.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(params, params.name)
    source = WeightsSource(params.name, "sha1", sha1, package=None)
    return Zoo(replace(backbone_named("mobilenet0.25"), weights=source), params, archive)


class Server(ThreadingHTTPServer):
    """Serves `pages`; announces some bytes more than it sends; if silent, accepts and never answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, bytes] = {}
        self.announce_more = 0
        self.is_silent = False
        self.released = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.is_silent:
            self.server.released.wait(30)
            return
        body = self.server.pages.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + self.server.announce_more))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
