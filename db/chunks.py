"""Shared work: jobs are put up in chunks; who claims one has it until its lease is over, unless he beats.

A claim proves itself by its number: once somebody else has claimed the chunk, nothing that comes of the
earlier claim changes the database any more. All times are the database's own.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from db.chunk_tables import ChunkRow, SharedJobRow
from db.database_time import database_time
from pipeline.records import Claim, JobKind, SharedJob

MOST_FAILURES = 3  # then a chunk is left to the owner of its job
_AS_IS = {"synchronize_session": False}


def add_job(
    session: Session, kind: JobKind, parameters: Mapping[str, Any], total: int, lease_seconds: float
) -> int:
    """Store a job without chunks; return its id. `total` files are in it."""
    row = SharedJobRow(
        kind=kind,
        parameters=dict(parameters),
        lease_seconds=lease_seconds,
        alive_until=database_time(session) + timedelta(seconds=lease_seconds),
        done=0,
        total=total,
    )
    session.add(row)
    session.flush()
    return row.id


def add_chunks(session: Session, job_id: int, contents: Iterable[bytes]) -> list[int]:
    """Put up chunks; return their ids, in order."""
    rows = [
        ChunkRow(job_id=job_id, content=content, state="free", attempts=0, failures=0) for content in contents
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def beat_job(session: Session, job_id: int, done: int) -> None:
    """Say that the owner of a job is alive, and how many files are done."""
    row = session.get(SharedJobRow, job_id)
    if row is not None:
        row.alive_until = database_time(session) + timedelta(seconds=row.lease_seconds)
        row.done = done


def open_jobs(session: Session) -> list[SharedJob]:
    """Return the jobs whose owner is alive, the oldest first."""
    alive = SharedJobRow.alive_until > database_time(session)
    rows = session.scalars(select(SharedJobRow).where(alive).order_by(SharedJobRow.id))
    return [_job(row) for row in rows]


def claim_chunk(session: Session, job_ids: Collection[int], *, as_owner: bool = False) -> Claim | None:
    """Claim the first chunk of some jobs that nobody works on; None if there is none.

    Only the owner gets a chunk that has failed `MOST_FAILURES` times. On PostgreSQL nobody waits for another
    claimant; on SQLite the transaction of a writer has the write lock from its beginning on.
    """
    now = database_time(session)
    row = session.scalars(
        select(ChunkRow)
        .where(ChunkRow.job_id.in_(job_ids), _is_due(now, as_owner), _owner_is_alive(now))
        .order_by(ChunkRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    if row.state == "claimed":
        row.failures += 1
        row.error = "its process gave no sign of life"
    lease = session.get_one(SharedJobRow, row.job_id).lease_seconds
    row.state, row.attempts, row.lease_until = "claimed", row.attempts + 1, now + timedelta(seconds=lease)
    session.flush()
    return Claim(row.id, row.job_id, row.attempts, row.content, row.failures, row.error)


def prolong(session: Session, claim: Claim) -> bool:
    """Begin the lease anew; return whether the chunk is still claimed by this claim."""
    lease = session.scalar(select(SharedJobRow.lease_seconds).where(SharedJobRow.id == claim.job_id))
    if lease is None:
        return False
    until = database_time(session) + timedelta(seconds=lease)
    return _changes(session, claim, lease_until=until)


def store_result(session: Session, claim: Claim, result: bytes) -> bool:
    """Store what came of a chunk; return whether it counts, for it does not once the claim is lost."""
    return _changes(session, claim, state="done", result=result, lease_until=None, error=None)


def give_back(session: Session, claim: Claim, error: str | None = None) -> bool:
    """Let others claim the chunk; with an error, this attempt counts as a failure."""
    failures = claim.failures + (error is not None)
    return _changes(session, claim, state="free", lease_until=None, failures=failures, error=error)


def take_chunk(session: Session, claim: Claim) -> bool:
    """Remove a chunk that its owner has done; False if somebody else has claimed or done it meanwhile."""
    done = session.execute(delete(ChunkRow).where(_is(claim)), execution_options=_AS_IS)
    return bool(done.rowcount)  # type: ignore[attr-defined]


def take_results(session: Session, job_id: int) -> dict[int, bytes]:
    """Remove the chunks of a job that workers have done; return the results by the ids of the chunks."""
    done = and_(ChunkRow.job_id == job_id, ChunkRow.state == "done")
    rows = session.execute(select(ChunkRow.id, ChunkRow.result).where(done)).tuples().all()
    ids = [chunk_id for chunk_id, _ in rows]
    session.execute(delete(ChunkRow).where(ChunkRow.id.in_(ids)), execution_options=_AS_IS)
    return {chunk_id: result or b"" for chunk_id, result in rows}


def remove_jobs(session: Session, job_ids: Collection[int] | None = None) -> int:
    """Remove some jobs with their chunks, all jobs by default; return how many there were."""
    wanted = SharedJobRow.id.is_not(None) if job_ids is None else SharedJobRow.id.in_(job_ids)
    ids = session.scalars(select(SharedJobRow.id).where(wanted)).all()
    session.execute(delete(ChunkRow).where(ChunkRow.job_id.in_(ids)), execution_options=_AS_IS)
    session.execute(delete(SharedJobRow).where(SharedJobRow.id.in_(ids)), execution_options=_AS_IS)
    return len(ids)


def _is_due(now: object, as_owner: bool) -> ColumnElement[bool]:
    free = ChunkRow.state == "free"
    lost = and_(ChunkRow.state == "claimed", ChunkRow.lease_until < now)
    if as_owner:
        return or_(free, lost)
    return or_(
        and_(free, ChunkRow.failures < MOST_FAILURES), and_(lost, ChunkRow.failures + 1 < MOST_FAILURES)
    )


def _owner_is_alive(now: object) -> ColumnElement[bool]:
    return exists().where(SharedJobRow.id == ChunkRow.job_id, SharedJobRow.alive_until > now)


def _is(claim: Claim) -> ColumnElement[bool]:
    return and_(
        ChunkRow.id == claim.chunk_id, ChunkRow.state == "claimed", ChunkRow.attempts == claim.attempt
    )


def _changes(session: Session, claim: Claim, **values: object) -> bool:
    change: Update = update(ChunkRow).where(_is(claim)).values(**values)
    done = session.execute(change, execution_options=_AS_IS)
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _job(row: SharedJobRow) -> SharedJob:
    kind: Any = row.kind
    return SharedJob(row.id, kind, row.parameters, row.lease_seconds, row.done, row.total)
