"""What it takes to keep the records on a PostgreSQL server of this host, beside a SQLite file.

    python -m benchmarks databases

Both on the same disk, both waiting for it at each commit; the server is Debian's, with the settings that it
comes with. A server on another host adds the time of the way there, once for each statement.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.batches import batches
from db.session import open_database, open_read_only
from pipeline.records import EpochMetrics, FileState, Snapshot, SnapshotImage
from tests.postgres import running_server

IMAGES = 20_000
REPEATS = 3  # databases of each kind, in turn
EPOCHS = 50
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLASSES = ("cat", "dog")
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "shared_buffers": "128MB",
    "autovacuum": "on",
    "jit": "on",
}
Seconds = dict[str, float]


def main(_photos: Path) -> None:
    """Print the table; the photos are not used."""
    on_file: list[Seconds] = []
    on_server: list[Seconds] = []
    with running_server(**DURABLE) as server:
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as folder:
                on_file.append(_measure(Path(folder) / "whisker.db"))
            with server.database() as url:
                on_server.append(_measure(url))
    print(f"{IMAGES:,} images; medians of {REPEATS} databases of each kind, in turn; milliseconds.\n")
    print("| what | SQLite | PostgreSQL | ratio |")
    print("|---|---|---|---|")
    for what in on_file[0]:
        file, own = (
            statistics.median(times[what] for times in found) * 1000 for found in (on_file, on_server)
        )
        print(f"| {what} | {file:,.1f} | {own:,.1f} | {own / file:.1f} |", flush=True)


def _measure(where: Path | str) -> Seconds:
    seconds = {"make the tables": _time(lambda: open_database(where))}
    sessions = open_database(where)
    run_id = _begin(sessions)
    seconds["open to read"] = _time(lambda: open_read_only(where))
    seconds["open to write"] = _time(lambda: open_database(where))
    seconds["store an epoch"] = _time(lambda: _add_epochs(sessions, run_id)) / EPOCHS
    seconds["store what a look has read"] = _time(lambda: _save_files(sessions))
    seconds["read it for the next look"] = _time(lambda: _read_files(sessions))
    images = tuple(_image(number) for number in range(IMAGES))
    seconds["store a snapshot"] = _time(lambda: _store(sessions, images))
    seconds["store the next one, 1 % of it new"] = _time(lambda: _store(sessions, images[IMAGES // 100 :]))
    seconds["read it"] = _time(lambda: _read_snapshot(sessions))
    return seconds


def _time(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _begin(sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as session:
        return store.start_run(
            session,
            store.start_cycle(session, "/photos", NOW),
            kind="finetune",
            backbone="resnet18_v2",
            recipe="fast",
            settings={},
            environment={},
            device="cpu",
            seed=0,
            train_images=IMAGES,
            test_images=0,
            started_at=NOW,
        )


def _add_epochs(sessions: sessionmaker[Session], run_id: int) -> None:
    for number in range(1, EPOCHS + 1):
        with sessions.begin() as session:
            store.add_epoch(session, run_id, EpochMetrics(number, "head", 0.5, 0.5, 0.5, 0.5, 1.0))


def _sha(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def _image(number: int) -> SnapshotImage:
    return SnapshotImage(_sha(number), CLASSES[number % 2], "train", b"train/%08d.jpg" % number)


def _save_files(sessions: sessionmaker[Session]) -> None:
    paths = (b"train/%08d.jpg" % number for number in range(IMAGES))
    files = (
        FileState(path, 1, 1, 1, 1, _sha(n), 500, 375, None, b"8 bytes.") for n, path in enumerate(paths)
    )
    for some in batches(files):
        with sessions.begin() as session:
            store.save_files(session, "/photos", some)


def _read_files(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        assert len(store.known_files(session, "/photos")) == IMAGES


def _store(sessions: sessionmaker[Session], images: tuple[SnapshotImage, ...]) -> None:
    snapshot = Snapshot(_sha(len(images)), CLASSES, images, ())
    with sessions.begin() as session:
        snapshot_id = store.begin_snapshot(session, snapshot, NOW)
    for some in batches(images):
        with sessions.begin() as session:
            store.add_to_snapshot(session, snapshot_id, CLASSES, some)
    with sessions.begin() as session:
        store.end_snapshot(session, snapshot_id, snapshot)
        store.set_cycle_snapshot(session, 1, snapshot_id, ())
        store.finish_cycle(session, 1, status="finished", finished_at=NOW)


def _read_snapshot(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        snapshot = store.last_finished_snapshot(session, "/photos")
    assert snapshot is not None
    assert len(snapshot.images) == IMAGES - IMAGES // 100
