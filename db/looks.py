"""Looks at the image folder, and how each ended."""

from dataclasses import asdict, fields

from sqlalchemy import delete, func, select
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
    rows = session.scalars(select(LookRow).order_by(LookRow.id.desc()).limit(count))
    return [
        LookRecord(**{field.name: getattr(row, field.name) for field in fields(LookRecord)}) for row in rows
    ]
