"""The test images of a run, and where they lie today."""

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from db.base import SPLITS
from db.runs import get_cycle, get_run
from db.snapshots import belongs_to
from db.tables import FileRow, ImageRow, SnapshotRow, SnapshotSpanRow
from pipeline.records import SnapshotImage


def images_folder_of(session: Session, run_id: int) -> str:
    """Return the image folder of a run's cycle; raises NoSuchRecord if there is no run."""
    return get_cycle(session, get_run(session, run_id).cycle_id).images_folder


def tested_images(session: Session, run_id: int) -> tuple[SnapshotImage, ...]:
    """Return the test images of the snapshot of a run's cycle.

    Their paths are those at which the last look saw the same content, so that images which were moved since
    are found; of what it did not see, those of the snapshot. NoSuchRecord if there is no run.
    """
    cycle = get_cycle(session, get_run(session, run_id).cycle_id)
    if cycle.snapshot_id is None:
        return ()
    copy = func.row_number().over(partition_by=FileRow.sha256, order_by=FileRow.path)
    today = (
        select(FileRow.sha256, FileRow.path, copy.label("copy"))
        .where(FileRow.root == cycle.images_folder, FileRow.sha256.is_not(None))
        .subquery()
    )
    rows = session.execute(
        select(
            ImageRow.sha256,
            SnapshotRow.classes,
            SnapshotSpanRow.label,
            func.coalesce(today.c.path, SnapshotSpanRow.path),
        )
        .join(SnapshotSpanRow, SnapshotSpanRow.image_id == ImageRow.id)
        .join(SnapshotRow, SnapshotRow.id == cycle.snapshot_id)
        .outerjoin(today, and_(today.c.sha256 == ImageRow.sha256, today.c.copy == 1))
        .where(belongs_to(cycle.snapshot_id), SnapshotSpanRow.split == SPLITS.index("test"))
        .order_by(SnapshotSpanRow.label, ImageRow.sha256)
    )
    images = (SnapshotImage(sha256, classes[label], "test", path) for sha256, classes, label, path in rows)
    return tuple(images)
