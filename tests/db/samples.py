"""Small records, and the shortest way to a cycle with a run."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.orm import Session

from db import store
from pipeline.records import (
    EpochMetrics,
    Evaluation,
    FileState,
    Prediction,
    Quarantined,
    RunKind,
    Snapshot,
    SnapshotImage,
    Split,
    Status,
)

ONLY_SQLITE = pytest.mark.parametrize("where", ["sqlite"], indirect=True)
ONLY_POSTGRES = pytest.mark.parametrize("where", ["postgresql"], indirect=True)
# For tests by hypothesis, all examples of which have one database: each rolls back what it did.
ONE_DATABASE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PHOTOS = "/photos"
NOT_UTF8 = b"train/cat/caf\xe9\n.jpg"
RECIPE: dict[str, Any] = {"epochs": 3, "mean": (0.5, 0.25), "optimizer": {"name": "sgd", "momentum": 0.9}}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def file_state(path: bytes, **changes: Any) -> FileState:
    known: dict[str, Any] = {
        "size": 100,
        "mtime_ns": 1,
        "ctime_ns": 2,
        "inode": 3,
        "sha256": sha(repr(path)),
        "width": 4,
        "height": 5,
        "problem": None,
    }
    return FileState(path=path, **(known | changes))


def snapshot(names: str = "abcdef", classes: tuple[str, ...] = ("cat", "dog")) -> Snapshot:
    """Return a snapshot with one image per letter, in turn of each class, the first two for the test."""
    images = [
        _image(name, classes[index % len(classes)], "test" if index < 2 else "train")
        for index, name in enumerate(names)
    ]
    ordered = tuple(sorted(images, key=lambda image: (image.split, image.label, image.sha256)))
    return Snapshot(sha(names), classes, ordered, (Quarantined(NOT_UTF8, "it is cut off"),))


def _image(name: str, label: str, split: Split) -> SnapshotImage:
    return SnapshotImage(sha(name), label, split, f"{split}/{label}/{name}.jpg".encode())


def epoch(number: int, accuracy: float = 0.5) -> EpochMetrics:
    return EpochMetrics(number, "head", 0.7, accuracy, 0.6, accuracy, 1.5)


def evaluation(of: Snapshot, *wrong: str) -> Evaluation:
    """Return an evaluation that is right but for the images named by `wrong`, the first one worst."""
    hashes = [sha(name) for name in wrong]
    predictions = []
    for image in of.part("test"):
        sure = 0.25 if image.sha256 not in hashes else 1 - 0.1 * hashes.index(image.sha256)
        odd = of.classes[1 - of.classes.index(image.label)]
        values = tuple(sure if name == odd else 1 - sure for name in of.classes)
        predictions.append(Prediction(image.sha256, image.path, image.label, values))
    return Evaluation(1 - len(wrong) / len(predictions), 0.125, tuple(predictions))


def begin_cycle(session: Session, of: Snapshot | None = None, folder: str = PHOTOS) -> tuple[int, int]:
    """Start a cycle on a snapshot; return the ids of both."""
    of = of or snapshot()
    cycle_id = store.start_cycle(session, folder, NOON)
    snapshot_id = store_snapshot(session, of)
    store.set_cycle_snapshot(session, cycle_id, snapshot_id, of.quarantined)
    return cycle_id, snapshot_id


def store_snapshot(session: Session, of: Snapshot) -> int:
    """Store a snapshot, unless it is there; return its id."""
    known = store.snapshot_with(session, of.digest)
    if known is not None:
        return known
    snapshot_id = store.begin_snapshot(session, of, NOON)
    store.add_to_snapshot(session, snapshot_id, of.classes, of.images)
    store.end_snapshot(session, snapshot_id, of)
    return snapshot_id


def begin_run(session: Session, cycle_id: int, kind: RunKind = "finetune", **changes: Any) -> int:
    known: dict[str, Any] = {
        "backbone": "resnet18_v2",
        "recipe": "classic",
        "settings": RECIPE,
        "environment": {"mxnet": "1.9.1"},
        "device": "cpu",
        "seed": 7,
        "train_images": 4,
        "test_images": 2,
        "started_at": NOON,
    }
    return store.start_run(session, cycle_id, kind=kind, **(known | changes))


def end_cycle(session: Session, cycle_id: int, status: Status = "finished") -> None:
    store.finish_cycle(session, cycle_id, status=status, finished_at=NOON + timedelta(minutes=5))
