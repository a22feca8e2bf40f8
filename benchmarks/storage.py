"""What safety costs with a large database: the check at each start, a backup with its check, a restoration.

    python -m benchmarks storage

A database gets the index of many files; nothing is trained.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from db.backups import make_backup
from db.restore import is_sound, put_in_place
from db.session import open_database, open_read_only

SIZES = (20, 200)  # MB, about
ROWS_PER_MB = 9_500
REPEATS = 5
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def main(_photos: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """Print the table; the photos are not used."""
    print(f"Medians of {REPEATS}, seconds; the file system's cache is warm.\n")
    print(
        "| database | open to read | open to write, pages checked | full check | backup, checked | restore |"
    )
    print("|---|---|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder) / "whisker.db", size)


def _measure(database: Path, size: int) -> None:
    open_database(database)
    _fill(database, size * ROWS_PER_MB)
    backup = make_backup(database, NOW).path
    seconds = [
        _median(lambda _: open_read_only(database)),
        _median(lambda _: open_database(database)),
        _median(lambda _: is_sound(database)),
        _median(lambda number: make_backup(database, NOW + timedelta(days=number + 1))),
        _median(lambda number: put_in_place(backup, database, {}, NOW + timedelta(days=number))),
    ]
    cells = " | ".join(f"{value:.2f}" for value in seconds)
    print(f"| {database.stat().st_size / 1e6:.0f} MB | {cells} |", flush=True)


def _median(action: Callable[[int], object]) -> float:
    times = []
    for number in range(REPEATS):
        started = time.perf_counter()
        action(number)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _fill(database: Path, rows: int) -> None:
    """Store files of the index, whose table has no references that would have to be right."""
    statement = text(
        "INSERT INTO file (root, path, size, mtime_ns, ctime_ns, inode, sha256)"
        " VALUES ('/photos', :path, 1, 1, 1, 1, :sha)"
    )
    with open_database(database).begin() as session:
        for start in range(0, rows, 10_000):
            numbers = range(start, min(start + 10_000, rows))
            session.execute(statement, [{"path": b"cat/%08d.jpg" % n, "sha": f"{n:064x}"} for n in numbers])
