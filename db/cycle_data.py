"""What a cycle found out about its images: how they changed, which leak, which labels are suspect."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session, aliased

from db.base import SPLITS
from db.batches import batches
from db.data_tables import CycleChangeRow, CycleLeakRow, CycleSuspectRow
from db.runs import get_cycle
from db.snapshots import store_images
from db.tables import CycleRow, ImageRow
from pipeline.records import Change, Leak, SnapshotImage, Suspect


def set_cycle_data(
    session: Session,
    cycle_id: int,
    *,
    changes: Sequence[Change],
    change_counts: Mapping[str, Mapping[str, int]],
    leaks: Sequence[Leak],
    mended: int,
) -> None:
    """Store for a cycle how its images changed and which were left out or have a decided label.

    It takes the place of what was stored before the cycle was cut off.

    `change_counts` has the number of images by kind of change and label; `changes` may be fewer.
    """
    row = get_cycle(session, cycle_id)
    row.change_counts = {kind: dict(labels) for kind, labels in change_counts.items()}
    row.mended = mended
    for table in (CycleChangeRow, CycleLeakRow):
        _clear(session, table, cycle_id)
    _add_changes(session, cycle_id, changes)
    _add_leaks(session, cycle_id, leaks)


def _clear(
    session: Session, table: type[CycleChangeRow | CycleLeakRow | CycleSuspectRow], cycle_id: int
) -> None:
    session.execute(
        delete(table).where(table.cycle_id == cycle_id), execution_options={"synchronize_session": False}
    )


def _add_changes(session: Session, cycle_id: int, changes: Sequence[Change]) -> None:
    for batch in batches(enumerate(changes)):
        ids = store_images(session, [change.sha256 for _, change in batch])
        rows = [
            {
                "cycle_id": cycle_id,
                "position": position,
                "kind": change.kind,
                "image_id": ids[change.sha256],
                "path": change.path,
                "label": change.label,
                "split": SPLITS.index(change.split),
                "before": change.before,
            }
            for position, change in batch
        ]
        session.execute(insert(CycleChangeRow), rows)


def _add_leaks(session: Session, cycle_id: int, leaks: Sequence[Leak]) -> None:
    for batch in batches(enumerate(leaks)):
        ids = store_images(session, [image.sha256 for _, leak in batch for image in (leak.train, leak.test)])
        rows = [
            {
                "cycle_id": cycle_id,
                "position": position,
                "train_image_id": ids[leak.train.sha256],
                "train_path": leak.train.path,
                "train_label": leak.train.label,
                "test_image_id": ids[leak.test.sha256],
                "test_path": leak.test.path,
                "test_label": leak.test.label,
                "distance": leak.distance,
                "transform": leak.transform,
            }
            for position, leak in batch
        ]
        session.execute(insert(CycleLeakRow), rows)


def add_suspects(session: Session, cycle_id: int, suspects: Sequence[Suspect]) -> None:
    """Store the images of a cycle whose labels are probably wrong, in their order; earlier ones go."""
    get_cycle(session, cycle_id)
    _clear(session, CycleSuspectRow, cycle_id)
    for batch in batches(enumerate(suspects)):
        ids = store_images(session, [suspect.sha256 for _, suspect in batch])
        rows = [
            {
                "cycle_id": cycle_id,
                "position": position,
                "image_id": ids[suspect.sha256],
                "path": suspect.path,
                "label": suspect.label,
                "suggested": suspect.suggested,
                "probability": suspect.probability,
                "score": suspect.score,
            }
            for position, suspect in batch
        ]
        session.execute(insert(CycleSuspectRow), rows)


def load_changes(session: Session, cycle_id: int) -> tuple[Change, ...]:
    """Return the changes of a cycle, in the order in which they were stored."""
    rows = session.execute(
        select(CycleChangeRow, ImageRow.sha256)
        .join(ImageRow, ImageRow.id == CycleChangeRow.image_id)
        .where(CycleChangeRow.cycle_id == cycle_id)
        .order_by(CycleChangeRow.position)
    )
    return tuple(
        Change(row.kind, sha256, row.path, row.label, SPLITS[row.split], row.before) for row, sha256 in rows
    )


def load_leaks(session: Session, cycle_id: int) -> tuple[Leak, ...]:
    """Return the leaks of a cycle, in the order in which they were stored."""
    train, test = aliased(ImageRow), aliased(ImageRow)
    rows = session.execute(
        select(CycleLeakRow, train.sha256, test.sha256)
        .join(train, train.id == CycleLeakRow.train_image_id)
        .join(test, test.id == CycleLeakRow.test_image_id)
        .where(CycleLeakRow.cycle_id == cycle_id)
        .order_by(CycleLeakRow.position)
    )
    return tuple(
        Leak(
            train=SnapshotImage(train_sha256, row.train_label, "train", row.train_path),
            test=SnapshotImage(test_sha256, row.test_label, "test", row.test_path),
            distance=row.distance,
            transform=row.transform,
        )
        for row, train_sha256, test_sha256 in rows
    )


def load_suspects(session: Session, cycle_id: int) -> tuple[Suspect, ...]:
    """Return the suspects of a cycle, in the order in which they were stored."""
    rows = session.execute(
        select(CycleSuspectRow, ImageRow.sha256)
        .join(ImageRow, ImageRow.id == CycleSuspectRow.image_id)
        .where(CycleSuspectRow.cycle_id == cycle_id)
        .order_by(CycleSuspectRow.position)
    )
    return tuple(
        Suspect(sha256, row.path, row.label, row.suggested, row.probability, row.score)
        for row, sha256 in rows
    )


def latest_suspects(session: Session) -> tuple[int, tuple[Suspect, ...]] | None:
    """Return the id of the newest finished cycle that has suspects, with these; None if no cycle has any."""
    cycle_id = session.scalar(
        select(func.max(CycleRow.id))
        .join(CycleSuspectRow, CycleSuspectRow.cycle_id == CycleRow.id)
        .where(CycleRow.status == "finished")
    )
    return None if cycle_id is None else (cycle_id, load_suspects(session, cycle_id))
