"""A real server that speaks S3, moto's, in a process of its own; its objects are in its memory."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from threading import Thread
from typing import Any

KEYS = {"key": "whisker", "secret": "not-shown"}


class S3Server:
    """One server; each test has a bucket of its own."""

    def __init__(self, address: str) -> None:
        import fsspec

        self.options: dict[str, Any] = {"endpoint_url": address, **KEYS}
        self._fs = fsspec.filesystem("s3", **self.options)
        self._numbers = count(1)

    def put(self, files: Mapping[str, bytes]) -> str:
        """Put objects into a new bucket, and return the URL of their common prefix."""
        url = f"s3://bucket-{next(self._numbers)}"
        self._fs.mkdir(url)
        for name, data in files.items():
            self.write(f"{url}/photos", name, data)
        return f"{url}/photos"

    def write(self, url: str, name: str, data: bytes) -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._fs.call_s3("put_object", Bucket=bucket, Key=f"{prefix}/{name}", Body=data)

    def remove(self, url: str, name: str) -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._fs.call_s3("delete_object", Bucket=bucket, Key=f"{prefix}/{name}")


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Start a server, and stop it."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = (re.search(r"Running on (http://\S+)", line) for line in process.stderr)
            address = next(match for match in said if match)[1]
            # It writes a line for each request, and would wait for ever for somebody to read them.
            Thread(target=process.stderr.read, daemon=True).start()
            yield S3Server(address)
        finally:
            process.kill()
