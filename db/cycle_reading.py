"""Cycles: reading them back as records."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.cycle_data import load_changes, load_leaks, load_suspects
from db.data_tables import CycleLeakRow
from db.evaluations import scores
from db.run_reading import load_run_on, runs_with_epochs
from db.runs import get_cycle
from db.snapshots import load_images, load_thumbnails
from db.tables import CycleQuarantineRow, CycleRow, SnapshotRow
from pipeline.records import (
    Cycle,
    Evaluation,
    LastData,
    Prediction,
    Quarantined,
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
    the number of small JPEGs: first come the images that a run got wrong, the worst before others, then those
    of leaks, suspects and changes.
    """
    row = get_cycle(session, cycle_id)
    finetune, scratch = (
        None if run_id is None else load_run_on(session, run_id, row.snapshot_id)
        for run_id in (row.finetune_run_id, row.scratch_run_id)
    )
    snapshot = None if row.snapshot_id is None else session.get_one(SnapshotRow, row.snapshot_id)
    summary = None if snapshot is None else _summary(snapshot, _quarantine_of(session, cycle_id))
    cycle = replace(
        _cycle(row, summary, finetune, scratch),
        changes=load_changes(session, cycle_id),
        leaks=load_leaks(session, cycle_id),
        suspects=load_suspects(session, cycle_id),
    )
    shown = [*_wrong_images(snapshot, [finetune, scratch]), *_odd_images(cycle)]
    return replace(cycle, thumbnails=load_thumbnails(session, shown, thumbnails))


def list_cycles(session: Session) -> list[Cycle]:
    """Return all cycles, newest first, without changes, leaks and suspects.

    Their runs have epochs and scores, but no predictions or layers.
    """
    runs, evaluations, quarantined = runs_with_epochs(session), scores(session), _quarantine(session)
    snapshots = {row.id: row for row in session.scalars(select(SnapshotRow))}

    def details(run_id: int | None, snapshot_id: int | None) -> RunDetails | None:
        if run_id is None:
            return None
        return RunDetails(runs[run_id], evaluations.get((run_id, snapshot_id or 0)))

    return [
        _cycle(
            row,
            _summary(snapshots[row.snapshot_id], quarantined[row.id]) if row.snapshot_id else None,
            details(row.finetune_run_id, row.snapshot_id),
            details(row.scratch_run_id, row.snapshot_id),
        )
        for row in session.scalars(select(CycleRow).order_by(CycleRow.id.desc()))
    ]


def _cycle(
    row: CycleRow,
    snapshot: SnapshotSummary | None,
    finetune: RunDetails | None,
    scratch: RunDetails | None,
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
        verdict=None if row.decision is None else Verdict(row.decision, row.reason or ""),
        champion_id=row.champion_id,
        change_counts=row.change_counts or {},
        mended=row.mended,
    )


def _summary(row: SnapshotRow, quarantined: Sequence[Quarantined]) -> SnapshotSummary:
    counts: dict[Split, dict[str, int]] = {"train": row.counts["train"], "test": row.counts["test"]}
    return SnapshotSummary(row.digest, tuple(row.classes), counts, tuple(quarantined))


def _quarantine_of(session: Session, cycle_id: int) -> tuple[Quarantined, ...]:
    return tuple(_quarantine(session, CycleQuarantineRow.cycle_id == cycle_id)[cycle_id])


def _quarantine(session: Session, *which: ColumnElement[bool]) -> Mapping[int, list[Quarantined]]:
    files: dict[int, list[Quarantined]] = defaultdict(list)
    rows = session.execute(
        select(CycleQuarantineRow.cycle_id, CycleQuarantineRow.path, CycleQuarantineRow.reason)
        .where(*which)
        .order_by(CycleQuarantineRow.cycle_id, CycleQuarantineRow.position)
    )
    for cycle_id, path, reason in rows:
        files[cycle_id].append(Quarantined(path, reason))
    return files


def _wrong_images(snapshot: SnapshotRow | None, runs: Sequence[RunDetails | None]) -> list[str]:
    """Return the hashes of the images that a run got wrong, the least probable true label first."""
    if snapshot is None:
        return []
    labels = {name: index for index, name in enumerate(snapshot.classes)}
    evaluations = [details.evaluation for details in runs if details is not None]
    worst: dict[str, float] = {}
    for prediction in _predictions(evaluations):
        probabilities, label = prediction.probabilities, labels[prediction.label]
        if probabilities.index(max(probabilities)) != label:
            true = probabilities[label]
            worst[prediction.sha256] = min(true, worst.get(prediction.sha256, true))
    return sorted(worst, key=lambda sha256: (worst[sha256], sha256))


def _odd_images(cycle: Cycle) -> Iterator[str]:
    """Yield the hashes of the images of leaks, suspects and changes."""
    for leak in cycle.leaks:
        yield from (leak.train.sha256, leak.test.sha256)
    yield from (suspect.sha256 for suspect in cycle.suspects)
    yield from (change.sha256 for change in cycle.changes)


def _predictions(evaluations: Sequence[Evaluation | None]) -> list[Prediction]:
    return [prediction for evaluation in evaluations if evaluation for prediction in evaluation.predictions]
