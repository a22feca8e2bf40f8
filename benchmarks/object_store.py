"""What images at a URL cost beside a folder of this machine: looks, epochs, and the listing of many keys.

    python -m benchmarks.object_store PHOTOS

The photos are put into moto's server, which is in the extra `dev`, in a process of its own on this machine.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.listing_server import listing_server
from benchmarks.pixel_store import reading
from pipeline.backbones import backbone_named
from pipeline.image_folder import ImageFolder
from pipeline.layout import find_layout
from pipeline.reader import ImageReader
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.object_cache import ObjectCache
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, ScanResult, settled_files
from pipeline.snapshot import take_snapshot
from pipeline.training_data import TrainingData
from tests.pipeline.folders import index_of
from tests.s3_server import running_s3

PER_CLASS = {"train": 250, "test": 50}
ROUNDS = 3
KEYS = (100_000, 1_000_000)


def main(photos: Path) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name, running_s3() as server:
        here = Path(name) / "photos"
        _copy(photos, here)
        files = {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file()}
        url = server.put(files)
        size = sum(map(len, files.values())) / 1e6
        print(
            f"{len(files):,} photos of together {size:.0f} MB; {ROUNDS} rounds in turn, the fastest of each. "
            "The server (moto, in Python) is on this machine and takes processor time of its own; a network "
            "would add its time to each request.\n"
        )
        seconds = [_round(here, url, server.options, Path(name) / f"round{n}") for n in range(ROUNDS)]
    print("| step | folder of this machine | `s3://`, with copies | `s3://`, without |")
    print("|---|---|---|---|")
    for step in seconds[0]:
        cells = [min(one[step][place] for one in seconds) for place in range(3)]
        print(f"| {step} | " + " | ".join(f"{cell:.2f} s" for cell in cells) + " |")
    _listings()


def _copy(photos: Path, target: Path) -> None:
    for split, count in PER_CLASS.items():
        for label in sorted(path.name for path in (photos / split).iterdir()):
            (target / split / label).mkdir(parents=True)
            for file in sorted((photos / split / label).iterdir())[:count]:
                shutil.copy(file, target / split / label)


def _round(here: Path, url: str, options: dict[str, object], place: Path) -> dict[str, list[float]]:
    """Return the seconds of each step, for each of the three places."""
    folders: list[ImageFolder] = [
        here,
        RemoteFolder(url, options, ObjectCache(place / "objects", 10**10)),
        RemoteFolder(url, options),
    ]
    columns = [_steps(folder) for folder in folders]
    return {step: [column[step] for column in columns] for step in columns[0]}


def _steps(folder: ImageFolder) -> dict[str, float]:
    found, first = _timed(lambda: scan(folder, NOTHING_KNOWN, settle_seconds=0))
    files = settled_files((), found)
    index = index_of(files, found.digests)
    _, second = _timed(lambda: scan(folder, index, settle_seconds=0))
    snapshot = take_snapshot(find_layout(folder), files)
    reader = ImageReader(folder, backbone_named("efficientnet_lite0").preprocessing)
    data = TrainingData(reader, snapshot.part("train"), snapshot.part("test"), snapshot.classes)
    return {
        "first look, reads all": first,
        "second look, nothing is new": second,
        "reading the training images, first epoch": reading(data),
        "second epoch": reading(data),
    }


def _timed(action: Callable[[], ScanResult]) -> tuple[ScanResult, float]:
    started = time.perf_counter()
    return action(), time.perf_counter() - started


def _listings() -> None:
    """Print what listing many keys takes; each in a process of its own, for its peak memory."""
    print("\nListing keys that a server makes up, all directly in two folders: the worst case for memory.\n")
    print("| keys | requests | time | peak memory |")
    print("|---|---|---|---|")
    for keys in (0, *KEYS):
        with listing_server(keys) as address:
            command = [sys.executable, "-m", "benchmarks.list_keys", address]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        cells = (
            f"{found['keys']:,} | {found['pages']:,} | {found['seconds']:.1f} s | {found['peak_mb']:.0f} MB"
        )
        print(f"| {cells} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
