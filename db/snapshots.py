"""Images, and the frozen lists of them that cycles train on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from db.base import SPLITS
from db.batches import BATCH, batches, one_of
from db.tables import CycleRow, ImageRow, RunRow, SnapshotRow, SnapshotSpanRow, ThumbnailRow
from pipeline.records import Snapshot, SnapshotImage

_UNSEEN = {"synchronize_session": False}  # these rows are never loaded as objects
UNFINISHED = "unfinished"  # in the place of the digest: not all images of the snapshot are stored


def snapshot_with(session: Session, digest: str) -> int | None:
    """Return the id of the whole snapshot that has this digest; None if there is none."""
    return session.scalar(select(SnapshotRow.id).where(SnapshotRow.digest == digest))


def begin_snapshot(session: Session, snapshot: Snapshot, created_at: datetime) -> int:
    """Begin to store a snapshot, in any number of transactions; return its id.

    Then come all its images, by `add_to_snapshot`, and `end_snapshot`. Until that, the snapshots before it
    have the images that they had; whatever becomes of it, the next one begins as if it had not been. The
    quarantine is not stored here: it belongs to the cycle.
    """
    row = session.scalar(select(SnapshotRow).where(SnapshotRow.digest == UNFINISHED))
    if row is None:
        row = SnapshotRow(digest=UNFINISHED)
        session.add(row)
    else:
        _undo(session, row.id)
    row.classes, row.created_at = list(snapshot.classes), created_at
    row.counts = {split: dict(labels) for split, labels in snapshot.summary().counts.items()}
    session.flush()
    return row.id


def _undo(session: Session, snapshot_id: int) -> None:
    span = SnapshotSpanRow
    session.execute(delete(span).where(span.since_id == snapshot_id), execution_options=_UNSEEN)
    reopened = update(span).where(span.until_id == snapshot_id).values(until_id=None)
    session.execute(reopened, execution_options=_UNSEEN)
    unused = update(ImageRow).where(ImageRow.first_snapshot_id == snapshot_id).values(first_snapshot_id=None)
    session.execute(unused, execution_options=_UNSEEN)


def add_to_snapshot(
    session: Session, snapshot_id: int, classes: Sequence[str], images: Sequence[SnapshotImage]
) -> None:
    """Add some images to a snapshot that has begun; each image once in all."""
    ids = store_images(session, [image.sha256 for image in images])
    wanted = [
        (SPLITS.index(image.split), ids[image.sha256], classes.index(image.label), image.path)
        for image in images
    ]
    before = _newest_spans(session, list(ids.values()))
    known = {image_id for _, image_id, _, _ in before}
    same = before.intersection(wanted)
    _close(session, snapshot_id, known - {image_id for _, image_id, _, _ in same})
    names = ("split", "image_id", "label", "path")
    rows = [dict(zip(names, row, strict=True), since_id=snapshot_id) for row in wanted if row not in same]
    if rows:
        session.execute(insert(SnapshotSpanRow), rows)
    _mark_first_use(session, snapshot_id, list(ids.values()))


def _newest_spans(session: Session, image_ids: Sequence[int]) -> set[tuple[int, int, int, bytes]]:
    """Return split, image, label and path of those of the images that the newest snapshot has."""
    span = SnapshotSpanRow
    rows = session.execute(
        select(span.split, span.image_id, span.label, span.path).where(
            span.split.in_(range(len(SPLITS))),
            one_of(session, span.image_id, image_ids),
            span.until_id.is_(None),
        )
    )
    return set(rows.tuples())


def _close(session: Session, snapshot_id: int, image_ids: Iterable[int]) -> None:
    """End the spans of some images: the snapshot does not have them, or otherwise."""
    span = SnapshotSpanRow
    for batch in batches(image_ids):
        closed = update(span).where(
            span.split.in_(range(len(SPLITS))), one_of(session, span.image_id, batch), span.until_id.is_(None)
        )
        session.execute(closed.values(until_id=snapshot_id), execution_options=_UNSEEN)


def end_snapshot(session: Session, snapshot_id: int, snapshot: Snapshot) -> None:
    """Give a snapshot its digest, now that all its images are stored."""
    here = {image.sha256 for image in snapshot.images}
    known = session.execute(
        select(ImageRow.id, ImageRow.sha256)
        .join(SnapshotSpanRow, SnapshotSpanRow.image_id == ImageRow.id)
        .where(SnapshotSpanRow.until_id.is_(None)),
        execution_options={"yield_per": BATCH},
    )
    _close(session, snapshot_id, [image_id for image_id, sha256 in known if sha256 not in here])
    session.get_one(SnapshotRow, snapshot_id).digest = snapshot.digest


def _mark_first_use(session: Session, snapshot_id: int, image_ids: Sequence[int]) -> None:
    session.execute(
        update(ImageRow)
        .where(one_of(session, ImageRow.id, image_ids), ImageRow.first_snapshot_id.is_(None))
        .values(first_snapshot_id=snapshot_id),
        execution_options=_UNSEEN,
    )


def belongs_to(snapshot_id: int, span: type[SnapshotSpanRow] = SnapshotSpanRow) -> ColumnElement[bool]:
    """Select the spans that a snapshot lies in."""
    return and_(span.since_id <= snapshot_id, or_(span.until_id.is_(None), span.until_id > snapshot_id))


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
        .join(SnapshotSpanRow, SnapshotSpanRow.image_id == ImageRow.id)
        .join(first, first.c.snapshot_id == ImageRow.first_snapshot_id)
        .where(belongs_to(snapshot_id), SnapshotSpanRow.split == SPLITS.index("test"))
        .order_by(ImageRow.sha256)
    )
    return dict(rows.tuples().all())


def tested_but_trained_on(session: Session, run_id: int, snapshot_id: int) -> set[str]:
    """Return the hashes of a snapshot's test images that a run may have been trained on in its own cycle.

    A person can move an image from the training folder to that of the test images.
    """
    own = session.scalar(
        select(CycleRow.snapshot_id).join(RunRow, RunRow.cycle_id == CycleRow.id).where(RunRow.id == run_id)
    )
    if own is None:
        return set()
    trained, tested = aliased(SnapshotSpanRow), aliased(SnapshotSpanRow)
    rows = session.scalars(
        select(ImageRow.sha256)
        .join(trained, trained.image_id == ImageRow.id)
        .join(tested, tested.image_id == ImageRow.id)
        .where(trained.split == SPLITS.index("train"), belongs_to(own, trained))
        .where(tested.split == SPLITS.index("test"), belongs_to(snapshot_id, tested))
    )
    return set(rows)


def load_images(session: Session, snapshot_id: int, classes: Sequence[str]) -> tuple[SnapshotImage, ...]:
    """Return the images of a snapshot, sorted by (split, label, sha256)."""
    rows = session.execute(
        select(ImageRow.sha256, SnapshotSpanRow.label, SnapshotSpanRow.split, SnapshotSpanRow.path)
        .join(ImageRow, ImageRow.id == SnapshotSpanRow.image_id)
        .where(belongs_to(snapshot_id))
        .order_by(SnapshotSpanRow.split, SnapshotSpanRow.label, ImageRow.sha256)
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
    rows = session.execute(
        select(ImageRow.sha256, ImageRow.id).where(one_of(session, ImageRow.sha256, hashes))
    )
    return dict(rows.tuples().all())


def save_thumbnails(session: Session, thumbnails: Mapping[str, bytes]) -> None:
    """Store small JPEGs by the hash of their image, in place of earlier ones."""
    for batch in batches(thumbnails):
        ids = store_images(session, batch)
        session.execute(
            delete(ThumbnailRow).where(one_of(session, ThumbnailRow.image_id, ids.values())),
            execution_options=_UNSEEN,
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
            session.scalars(
                select(ImageRow.sha256).join(ThumbnailRow).where(one_of(session, ImageRow.sha256, batch))
            )
        )
    chosen = [sha256 for sha256 in wanted if sha256 in stored][:limit]
    found: dict[str, bytes] = {}
    for batch in batches(chosen):
        rows = session.execute(
            select(ImageRow.sha256, ThumbnailRow.jpeg)
            .join(ThumbnailRow)
            .where(one_of(session, ImageRow.sha256, batch))
        )
        found |= dict(rows.tuples().all())
    return {sha256: found[sha256] for sha256 in chosen}
