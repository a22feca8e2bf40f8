"""What a look at many files costs: the first one, one after nothing has changed, one after 100 arrivals.

    python -m benchmarks.scan [FILES ...]

Tiny JPEGs are made in a temporary folder, each with other bytes. Each look is a process of its own, so that
its peak memory can be told, and is timed between two runs of `find`, which also asks for each file's stat.
"""

import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from db import store
from db.session import open_database
from jobs.memory import index_of
from pipeline.scan import scan
from pipeline.scan_result import ScanResult

SIZES = (100_000, 1_000_000)
PER_FOLDER = 5_000
ARRIVALS = 100


def main(_photos: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """Print the table; the photos are not used."""
    print(
        f"Tiny files, {PER_FOLDER:,} in a folder; the file system's cache is warm; `find` is 1.0.\n"
        "The peak memory is never below that of the program that starts the look.\n"
    )
    print("| files | look | files read | time | ratio to find | peak memory |")
    print("|---|---|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            _measure(Path(name), size)


def _measure(folder: Path, size: int) -> None:
    images, database = folder / "images", folder / "whisker.db"
    _make(images, size, 0)
    for look, arrivals in (("first", 0), ("nothing changed", 0), (f"{ARRIVALS} more", ARRIVALS)):
        _make(images, arrivals, size)
        before = _find(images)
        command = [sys.executable, "-m", "benchmarks.scan", "--look", str(images), str(database)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        ratio = found["seconds"] / statistics.mean((before, _find(images)))
        print(
            f"| {size:,} | {look} | {found['read']:,} | {found['seconds']:.1f} s | {ratio:.2f} "
            f"| {found['peak_mb']:.0f} MB |",
            flush=True,
        )


def _make(images: Path, count: int, first: int) -> None:
    """Write `count` JPEGs that look alike and differ in a comment."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((24, 24)).save(buffer, "JPEG")
    start, rest = buffer.getvalue()[:2], buffer.getvalue()[2:]
    for number in range(first, first + count):
        folder = images / ("cat", "dog")[number % 2] / f"{number // (2 * PER_FOLDER):04}"
        if number % PER_FOLDER < 2:
            folder.mkdir(parents=True, exist_ok=True)
        comment = f"{number:08}".encode()
        (folder / f"{number:08}.jpg").write_bytes(start + b"\xff\xfe\x00\x0a" + comment + rest)


def _find(images: Path) -> float:
    started = time.perf_counter()
    command = ["find", str(images), "-printf", r"%s %T@ %p\n"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def look(images: Path, database: Path) -> None:
    """Look once, as a cycle does, and print what that took."""
    sessions = open_database(database)
    started = time.perf_counter()
    found: ScanResult = scan(images, index_of(sessions, str(images)), settle_seconds=0)
    if found.changed_files or found.digests:
        with sessions.begin() as session:
            store.save_files(session, str(images), found.changed_files, found.digests)
    seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "read": len(found.changed_files)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--look"]:
        look(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(), tuple(map(int, sys.argv[1:])) or SIZES)
