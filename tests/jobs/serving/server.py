"""A server process, and how a test asks it."""

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import processes

END_SECONDS = 60  # nothing here takes a tenth of it, unless it hangs


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: Mapping[str, str]  # by their names in small letters
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON document in it."""
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """Why it is no answer."""
        return str(self.document["detail"])


@dataclass(frozen=True)
class Served:
    """A server that is up."""

    process: "subprocess.Popen[str]"
    address: str
    token: str | None

    @property
    def host(self) -> str:
        """Host and port, as in the header Host."""
        return urlsplit(self.address).netloc

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send one request; in the names of headers, `_` stands for `-`."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=END_SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """Ask for something."""
        return self.ask("GET", path, None, **headers)

    def predict(self, image: bytes, query: str = "", **headers: str) -> Reply:
        """Ask for the class of an image."""
        return self.ask("POST", f"/predict{query}", image, **{"Content_Type": "image/jpeg", **headers})

    def decide(self, sha256: str, decision: str | None, **headers: str) -> Reply:
        """Decide about an image."""
        body = json.dumps({"sha256": sha256, "decision": decision}).encode()
        return self.ask("POST", "/decisions", body, **{"Content_Type": "application/json", **headers})

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return the exit status and what else was printed, on both outputs."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=END_SECONDS)
        return self.process.returncode, out, err


def command(home: Path, *options: object) -> list[str]:
    """Return the command line of a server on a free port."""
    return processes.command("--home", home, "--json", "serve", "--port", 0, *options)


def ended(words: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run what is to end by itself, since it cannot serve."""
    return subprocess.run(words, capture_output=True, text=True, timeout=END_SECONDS, check=False)


@contextmanager
def serving(home: Path, *options: object, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run a server while the block runs."""
    process = subprocess.Popen(
        command(home, *options),
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = _document(process)
        yield Served(process, said["address"], said["token"])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _document(process: "subprocess.Popen[str]") -> Any:
    """Return what the server prints once it is up."""
    assert process.stdout is not None and process.stderr is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            return json.loads("".join(lines))
    raise AssertionError(f"the server ended, having said: {''.join(lines)}{process.stderr.read()}")
