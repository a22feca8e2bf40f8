"""List what a server has, as a look does, in a process that has loaded nothing else; print what it took."""

import json
import sys
import time
from pathlib import Path

from pipeline.layout import find_layout
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.walk import walk_remote
from pipeline.walk import Listing


def main(address: str) -> None:
    """List the objects below s3://bucket/photos of a server."""
    options = {"endpoint_url": address, "key": "x", "secret": "xxxx"}
    folder = RemoteFolder("s3://bucket/photos", options)
    started, pages, keys = time.perf_counter(), [], 0
    for listing in walk_remote(folder, find_layout(folder), lambda: pages.append(1)):
        assert isinstance(listing, Listing)
        keys += len(listing.entries)
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")  # getrusage knows the parent's peak, too
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024
    print(json.dumps({"keys": keys, "pages": len(pages), "seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main(sys.argv[1])
