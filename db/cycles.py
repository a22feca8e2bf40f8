"""Cycles: writing how one goes on and ends, and what is left of one that was cut off."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.runs import get_cycle
from db.tables import CycleQuarantineRow, CycleRow, RunRow
from pipeline.records import Quarantined, Status, Verdict

CUT_OFF = "the process ended without finishing"


def start_cycle(session: Session, images_folder: str, started_at: datetime) -> int:
    """Store a cycle that begins, and return its id."""
    row = CycleRow(status="running", images_folder=images_folder, started_at=started_at, scratch_reused=False)
    session.add(row)
    session.flush()
    return row.id


def set_cycle_snapshot(
    session: Session,
    cycle_id: int,
    snapshot_id: int,
    quarantined: Sequence[Quarantined],
    data_digest: str | None = None,
) -> None:
    """Store what the cycle trains on, the files that it could not use, and the digest of both.

    Like all that a cycle stores of its data, in place of what was stored before it was cut off.
    """
    row = get_cycle(session, cycle_id)
    row.snapshot_id, row.data_digest = snapshot_id, data_digest
    session.execute(delete(CycleQuarantineRow).where(CycleQuarantineRow.cycle_id == cycle_id))
    rows = [
        {"cycle_id": cycle_id, "position": position, "path": file.path, "reason": file.reason}
        for position, file in enumerate(quarantined)
    ]
    if rows:
        session.execute(insert(CycleQuarantineRow), rows)


def set_cycle_runs(
    session: Session,
    cycle_id: int,
    *,
    finetune_id: int | None = None,
    scratch_id: int | None = None,
    scratch_reused: bool = False,
) -> None:
    """Store which runs the cycle compares; what is not given stays as it is.

    `start_run` does this for runs of the cycle itself; a baseline of an earlier cycle needs it.
    """
    row = get_cycle(session, cycle_id)
    if finetune_id is not None:
        row.finetune_run_id = finetune_id
    if scratch_id is not None:
        row.scratch_run_id = scratch_id
        row.scratch_reused = scratch_reused


def set_verdict(
    session: Session,
    cycle_id: int,
    verdict: Verdict,
    champion_id: int | None,
    compared_id: int | None = None,
) -> None:
    """Store the decision, the run that is champion after it, and the one that was compared with."""
    row = get_cycle(session, cycle_id)
    row.decision, row.reason, row.margin = verdict.decision, verdict.reason, verdict.margin
    row.champion_id, row.compared_id = champion_id, compared_id


def finish_cycle(
    session: Session, cycle_id: int, *, status: Status, finished_at: datetime, error: str | None = None
) -> None:
    """Store how a cycle ended."""
    row = get_cycle(session, cycle_id)
    row.status = status
    row.finished_at = finished_at
    row.error = error


def mark_interrupted(session: Session, at: datetime) -> list[int]:
    """Mark all cycles and runs that are still running as interrupted; return the ids of these cycles.

    For the holder of the home's lock: then no process can be at work on them. Doing it twice does no more.
    """
    cycles = session.scalars(select(CycleRow).where(CycleRow.status == "running")).all()
    runs = session.scalars(select(RunRow).where(RunRow.status == "running")).all()
    for cycle in cycles:
        cycle.status, cycle.finished_at, cycle.error = "interrupted", at, CUT_OFF
    for run in runs:
        run.status, run.error = "interrupted", CUT_OFF
    return sorted({cycle.id for cycle in cycles} | {run.cycle_id for run in runs})


def explain_interruption(session: Session, since: datetime, why: str) -> int | None:
    """Say of the newest cycle, if it was interrupted since then, why; return its id in that case.

    For who has seen from outside how its process ended.
    """
    cycle = session.scalar(select(CycleRow).order_by(CycleRow.id.desc()).limit(1))
    if cycle is None or cycle.status != "interrupted" or (cycle.finished_at or since) < since:
        return None
    run = session.scalar(
        select(RunRow).where(RunRow.cycle_id == cycle.id).order_by(RunRow.id.desc()).limit(1)
    )
    cycle.error = f"{CUT_OFF}: {why}"
    if run is not None and run.status == "interrupted":
        run.error = cycle.error
    return cycle.id
