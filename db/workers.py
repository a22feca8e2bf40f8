"""The processes that take chunks of others' jobs, and whether they are alive."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from db.chunk_tables import WorkerRow
from db.database_time import database_time
from pipeline.records import JobKind, Worker

ALIVE = timedelta(seconds=20)  # after its last beat
FORGOTTEN = timedelta(hours=1)  # who died without a word is shown so long


def add_worker(session: Session, pid: int, process_start: str, host: str) -> int:
    """Store a process that works from now on; return its id. Those that died long ago are forgotten."""
    now = database_time(session)
    session.execute(delete(WorkerRow).where(WorkerRow.alive_until < now - FORGOTTEN))
    row = WorkerRow(
        pid=pid,
        process_start=process_start,
        host=host,
        started_at=now,
        alive_until=now + ALIVE,
        chunks_done=0,
    )
    session.add(row)
    session.flush()
    return row.id


def beat_worker(
    session: Session,
    worker_id: int,
    chunks_done: int,
    doing: JobKind | None,
    said: str | None,
    silent: timedelta = ALIVE,
) -> None:
    """Say that a worker is alive, what it has done and does, and why it takes no part in some job.

    `silent` is for how long it may say nothing more and counts as alive.
    """
    row = session.get(WorkerRow, worker_id)
    if row is not None:
        row.alive_until = database_time(session) + silent
        row.chunks_done, row.doing, row.said = chunks_done, doing, said


def remove_worker(session: Session, worker_id: int) -> None:
    """Remove a worker: it has ended."""
    session.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))


def count_workers(session: Session) -> int:
    """Return how many workers are alive."""
    alive = WorkerRow.alive_until > database_time(session)
    return session.execute(select(func.count()).where(alive)).scalar_one()


def list_workers(session: Session) -> list[Worker]:
    """Return all workers, in the order in which they came."""
    now = database_time(session)
    return [
        _worker(row, row.alive_until > now)
        for row in session.scalars(select(WorkerRow).order_by(WorkerRow.id))
    ]


def _worker(row: WorkerRow, is_alive: bool) -> Worker:
    doing: Any = row.doing
    return Worker(
        row.id,
        row.pid,
        row.process_start,
        row.host,
        row.started_at,
        is_alive,
        row.chunks_done,
        doing,
        row.said,
    )
