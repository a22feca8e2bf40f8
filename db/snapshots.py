"""Images, and the frozen lists of them that cycles train on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from db.base import SPLITS
from db.batches import batches
from db.tables import CycleRow, ImageRow, RunRow, SnapshotImageRow, SnapshotRow, ThumbnailRow
from pipeline.records import Snapshot, SnapshotImage


def store_snapshot(session: Session, snapshot: Snapshot, created_at: datetime) -> int:
    """Store a snapshot, unless one with its digest is there; return its id either way.

    The quarantine is not stored here: it belongs to the cycle.
    """
    known = session.scalar(select(SnapshotRow.id).where(SnapshotRow.digest == snapshot.digest))
    if known is not None:
        return known
    row = SnapshotRow(
        digest=snapshot.digest,
        classes=list(snapshot.classes),
        counts={split: dict(labels) for split, labels in snapshot.summary().counts.items()},
        created_at=created_at,
    )
    session.add(row)
    session.flush()
    _store_images(session, row.id, snapshot)
    return row.id


def _store_images(session: Session, snapshot_id: int, snapshot: Snapshot) -> None:
    labels = {name: index for index, name in enumerate(snapshot.classes)}
    for batch in batches(snapshot.images):
        ids = store_images(session, [image.sha256 for image in batch])
        rows = [
            {
                "snapshot_id": snapshot_id,
                "image_id": ids[image.sha256],
                "label": labels[image.label],
                "split": SPLITS.index(image.split),
                "path": image.path,
            }
            for image in batch
        ]
        session.execute(insert(SnapshotImageRow), rows)
        _mark_first_use(session, snapshot_id, list(ids.values()))


def _mark_first_use(session: Session, snapshot_id: int, image_ids: Sequence[int]) -> None:
    session.execute(
        update(ImageRow)
        .where(ImageRow.id.in_(image_ids), ImageRow.first_snapshot_id.is_(None))
        .values(first_snapshot_id=snapshot_id),
        execution_options={"synchronize_session": False},
    )


def load_arrivals(session: Session, snapshot_id: int) -> dict[str, int]:
    """Return for the hash of each test image of a snapshot the first cycle that used the image at all."""
    first = (
        select(CycleRow.snapshot_id, func.min(CycleRow.id).label("cycle_id"))
        .where(CycleRow.snapshot_id.is_not(None))
        .group_by(CycleRow.snapshot_id)
        .subquery()
    )
    rows = session.execute(
        select(ImageRow.sha256, first.c.cycle_id)
        .join(SnapshotImageRow, SnapshotImageRow.image_id == ImageRow.id)
        .join(first, first.c.snapshot_id == ImageRow.first_snapshot_id)
        .where(SnapshotImageRow.snapshot_id == snapshot_id, SnapshotImageRow.split == SPLITS.index("test"))
        .order_by(ImageRow.sha256)
    )
    return dict(rows.tuples().all())


def tested_but_trained_on(session: Session, run_id: int, snapshot_id: int) -> set[str]:
    """Return the hashes of a snapshot's test images that a run may have been trained on in its own cycle.

    A person can move an image from the training folder to that of the test images.
    """
    trained, tested = aliased(SnapshotImageRow), aliased(SnapshotImageRow)
    rows = session.scalars(
        select(ImageRow.sha256)
        .join(trained, trained.image_id == ImageRow.id)
        .join(tested, tested.image_id == ImageRow.id)
        .join(CycleRow, CycleRow.snapshot_id == trained.snapshot_id)
        .join(RunRow, RunRow.cycle_id == CycleRow.id)
        .where(
            RunRow.id == run_id,
            trained.split == SPLITS.index("train"),
            tested.snapshot_id == snapshot_id,
            tested.split == SPLITS.index("test"),
        )
    )
    return set(rows)


def load_images(session: Session, snapshot_id: int, classes: Sequence[str]) -> tuple[SnapshotImage, ...]:
    """Return the images of a snapshot, sorted by (split, label, sha256)."""
    rows = session.execute(
        select(ImageRow.sha256, SnapshotImageRow.label, SnapshotImageRow.split, SnapshotImageRow.path)
        .join(ImageRow, ImageRow.id == SnapshotImageRow.image_id)
        .where(SnapshotImageRow.snapshot_id == snapshot_id)
        .order_by(SnapshotImageRow.split, SnapshotImageRow.label, ImageRow.sha256)
    )
    return tuple(
        SnapshotImage(sha256, classes[label], SPLITS[split], path) for sha256, label, split, path in rows
    )


def store_images(session: Session, hashes: Iterable[str]) -> dict[str, int]:
    """Return the id of each image, after adding the images that are new."""
    ids: dict[str, int] = {}
    for batch in batches(dict.fromkeys(hashes)):
        ids |= _image_ids(session, batch)
        new = [sha256 for sha256 in batch if sha256 not in ids]
        if new:
            session.execute(insert(ImageRow), [{"sha256": sha256} for sha256 in new])
            ids |= _image_ids(session, new)
    return ids


def _image_ids(session: Session, hashes: Sequence[str]) -> dict[str, int]:
    rows = session.execute(select(ImageRow.sha256, ImageRow.id).where(ImageRow.sha256.in_(hashes)))
    return dict(rows.tuples().all())


def save_thumbnails(session: Session, thumbnails: Mapping[str, bytes]) -> None:
    """Store small JPEGs by the hash of their image, in place of earlier ones."""
    for batch in batches(thumbnails):
        ids = store_images(session, batch)
        session.execute(
            delete(ThumbnailRow).where(ThumbnailRow.image_id.in_(ids.values())),
            execution_options={"synchronize_session": False},
        )
        session.execute(
            insert(ThumbnailRow), [{"image_id": ids[sha256], "jpeg": thumbnails[sha256]} for sha256 in batch]
        )


def load_thumbnails(session: Session, hashes: Iterable[str], limit: int) -> dict[str, bytes]:
    """Return the first `limit` thumbnails that there are, by the hash of their image, in the given order."""
    wanted = list(dict.fromkeys(hashes))
    stored: set[str] = set()
    for batch in batches(wanted):
        stored.update(
            session.scalars(select(ImageRow.sha256).join(ThumbnailRow).where(ImageRow.sha256.in_(batch)))
        )
    chosen = [sha256 for sha256 in wanted if sha256 in stored][:limit]
    found: dict[str, bytes] = {}
    for batch in batches(chosen):
        rows = session.execute(
            select(ImageRow.sha256, ThumbnailRow.jpeg).join(ThumbnailRow).where(ImageRow.sha256.in_(batch))
        )
        found |= dict(rows.tuples().all())
    return {sha256: found[sha256] for sha256 in chosen}
