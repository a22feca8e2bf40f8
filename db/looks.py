"""Looks at the image folder, and how each ended."""

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from db.work_tables import LookRow
from pipeline.records import LookRecord

KEPT = 1000  # a week of looks every ten minutes


def add_look(session: Session, look: LookRecord) -> None:
    """Store a look that has ended, and remove the oldest beyond the newest thousand."""
    session.add(LookRow(**asdict(look)))
    session.flush()
    newest = session.scalar(select(func.max(LookRow.id)))
    session.execute(delete(LookRow).where(LookRow.id <= (newest or 0) - KEPT))


def latest_looks(session: Session, count: int) -> list[LookRecord]:
    """Return so many looks, the newest first."""
    return _records(session, select(LookRow).order_by(LookRow.id.desc()).limit(count))


def last_failed_look(session: Session) -> LookRecord | None:
    """Return the newest of the looks that failed; None if none did."""
    failed = select(LookRow).where(LookRow.outcome == "failed").order_by(LookRow.id.desc()).limit(1)
    return next(iter(_records(session, failed)), None)


def has_finished_since(session: Session, since: datetime) -> bool:
    """Return whether a look has ended with a finished cycle since then."""
    query = select(LookRow.id).where(LookRow.outcome == "finished", LookRow.ended_at > since).limit(1)
    return session.scalar(query) is not None


def _records(session: Session, query: Select[tuple[LookRow]]) -> list[LookRecord]:
    names = [field.name for field in fields(LookRecord)]
    return [LookRecord(**{name: getattr(row, name) for name in names}) for row in session.scalars(query)]
