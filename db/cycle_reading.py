"""Cycles: reading them back as records."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.base import SPLITS
from db.cycle_data import load_changes, load_leaks, load_suspects
from db.data_tables import CycleLeakRow
from db.evaluations import scores
from db.run_reading import load_run_on, runs_with_epochs
from db.runs import get_cycle
from db.shown_images import shown_images
from db.snapshots import belongs_to, load_arrivals, load_images, load_thumbnails
from db.tables import CycleQuarantineRow, CycleRow, SnapshotRow, SnapshotSpanRow
from pipeline.records import (
    Cycle,
    Decision,
    Evaluation,
    LastData,
    Quarantined,
    Run,
    RunDetails,
    Snapshot,
    SnapshotSummary,
    Split,
    Verdict,
)


def cycle_ids(session: Session) -> list[int]:
    """Return the ids of all cycles, newest first."""
    return list(session.scalars(select(CycleRow.id).order_by(CycleRow.id.desc())))


def last_finished_snapshot(session: Session, images_folder: str) -> Snapshot | None:
    """Return the snapshot, with its images, of the folder's newest finished cycle; None if there is none."""
    found = _last_finished(session, images_folder)
    if found is None:
        return None
    cycle, row = found
    return Snapshot(
        digest=row.digest,
        classes=tuple(row.classes),
        images=load_images(session, row.id, row.classes),
        quarantined=_quarantine_of(session, cycle.id),
    )


def last_finished_data(session: Session, images_folder: str) -> LastData | None:
    """Return what the folder's newest finished cycle trained on as numbers; None if there is none."""
    found = _last_finished(session, images_folder)
    if found is None:
        return None
    cycle, row = found
    leaks = select(func.count()).select_from(CycleLeakRow).where(CycleLeakRow.cycle_id == cycle.id)
    summary = _summary(row, _quarantine_of(session, cycle.id))
    return LastData(cycle.data_digest, summary, session.scalar(leaks) or 0)


def last_layout(session: Session, images_folder: str) -> tuple[bool, tuple[str, ...]] | None:
    """Return whether folders decided the split in the folder's newest finished cycle, and its classes.

    None if there is no such cycle. A class cannot be called like one of these folders, so one image tells.
    """
    found = _last_finished(session, images_folder)
    if found is None:
        return None
    _, row = found
    path = session.scalar(
        select(SnapshotSpanRow.path)
        .where(SnapshotSpanRow.split == SPLITS.index("test"), belongs_to(row.id))
        .limit(1)
    )
    return (path or b"test/").startswith(b"test/"), tuple(row.classes)


def _last_finished(session: Session, images_folder: str) -> tuple[CycleRow, SnapshotRow] | None:
    found = session.execute(
        select(CycleRow, SnapshotRow)
        .join(SnapshotRow, SnapshotRow.id == CycleRow.snapshot_id)
        .where(CycleRow.status == "finished", CycleRow.images_folder == images_folder)
        .order_by(CycleRow.id.desc())
        .limit(1)
    ).first()
    return None if found is None else found._tuple()


def last_finished_folder(session: Session) -> str | None:
    """Return the image folder of the newest finished cycle; None if there is none."""
    return session.scalar(
        select(CycleRow.images_folder)
        .where(CycleRow.status == "finished")
        .order_by(CycleRow.id.desc())
        .limit(1)
    )


def load_cycle(session: Session, cycle_id: int, *, thumbnails: int = 200) -> Cycle:
    """Return a cycle with all that its page shows; NoSuchRecord if there is none.

    Its runs come with their evaluation on the cycle's own snapshot, never on another one. `thumbnails` bounds
    the number of small JPEGs; `shown_images` says which come first.
    """
    row = get_cycle(session, cycle_id)
    finetune, scratch, compared = (
        None if run_id is None else load_run_on(session, run_id, row.snapshot_id) for run_id in _run_ids(row)
    )
    snapshot = None if row.snapshot_id is None else session.get_one(SnapshotRow, row.snapshot_id)
    summary = None if snapshot is None else _summary(snapshot, _quarantine_of(session, cycle_id))
    cycle = replace(
        _cycle(row, summary, finetune, scratch, compared),
        changes=load_changes(session, cycle_id),
        leaks=load_leaks(session, cycle_id),
        suspects=load_suspects(session, cycle_id),
        previous=_previous(session, row),
        arrivals=load_arrivals(session, row.snapshot_id) if row.snapshot_id else {},
    )
    return replace(cycle, thumbnails=load_thumbnails(session, shown_images(cycle), thumbnails))


def _previous(session: Session, row: CycleRow) -> Cycle | None:
    """Return the folder's finished cycle before this one, as a list has it."""
    before = session.scalar(
        select(CycleRow)
        .where(CycleRow.status == "finished", CycleRow.images_folder == row.images_folder)
        .where(CycleRow.id < row.id)
        .order_by(CycleRow.id.desc())
        .limit(1)
    )
    if before is None:
        return None
    run_ids = {run_id for run_id in _run_ids(before) if run_id is not None}
    return _listed(
        session.get_one(SnapshotRow, before.snapshot_id) if before.snapshot_id else None,
        before,
        _quarantine_of(session, before.id),
        runs_with_epochs(session, run_ids),
        scores(session, run_ids),
    )


def list_cycles(session: Session) -> list[Cycle]:
    """Return all cycles, newest first, without changes, leaks, suspects and files in quarantine.

    Their runs have epochs and scores, but no predictions, layers or findings.
    """
    runs, evaluations = runs_with_epochs(session), scores(session)
    snapshots = {row.id: row for row in session.scalars(select(SnapshotRow))}
    return [
        _listed(snapshots.get(row.snapshot_id or 0), row, (), runs, evaluations)
        for row in session.scalars(select(CycleRow).order_by(CycleRow.id.desc()))
    ]


def _listed(
    snapshot: SnapshotRow | None,
    row: CycleRow,
    quarantined: Sequence[Quarantined],
    runs: Mapping[int, Run],
    evaluations: Mapping[tuple[int, int], Evaluation],
) -> Cycle:
    finetune, scratch, compared = (
        None if run_id is None else RunDetails(runs[run_id], evaluations.get((run_id, row.snapshot_id or 0)))
        for run_id in _run_ids(row)
    )
    summary = None if snapshot is None else _summary(snapshot, quarantined)
    return _cycle(row, summary, finetune, scratch, compared)


def _run_ids(row: CycleRow) -> tuple[int | None, int | None, int | None]:
    return row.finetune_run_id, row.scratch_run_id, row.compared_id


def _cycle(
    row: CycleRow,
    snapshot: SnapshotSummary | None,
    finetune: RunDetails | None,
    scratch: RunDetails | None,
    compared: RunDetails | None,
) -> Cycle:
    return Cycle(
        id=row.id,
        status=row.status,
        images_folder=row.images_folder,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        snapshot=snapshot,
        finetune=finetune,
        scratch=scratch,
        scratch_reused=row.scratch_reused,
        verdict=None if row.decision is None else _verdict(row.decision, row.reason, row.margin),
        champion_id=row.champion_id,
        change_counts=row.change_counts or {},
        mended=row.mended,
        compared=compared,
    )


def _verdict(decision: Decision, reason: str | None, margin: float | None) -> Verdict:
    return Verdict(decision, reason or "", margin or 0.0)  # older cycles knew no margin


def _summary(row: SnapshotRow, quarantined: Sequence[Quarantined]) -> SnapshotSummary:
    counts: dict[Split, dict[str, int]] = {"train": row.counts["train"], "test": row.counts["test"]}
    return SnapshotSummary(row.digest, tuple(row.classes), counts, tuple(quarantined))


def _quarantine_of(session: Session, cycle_id: int) -> tuple[Quarantined, ...]:
    rows = session.execute(
        select(CycleQuarantineRow.path, CycleQuarantineRow.reason)
        .where(CycleQuarantineRow.cycle_id == cycle_id)
        .order_by(CycleQuarantineRow.position)
    )
    return tuple(Quarantined(path, reason) for path, reason in rows)
