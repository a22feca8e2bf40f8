"""Records and files that claim to be of a time that has not come."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.tables import CycleRow, FileRow, PromotionRow, RunRow
from db.work_tables import LookRow


def newest_instant(session: Session) -> datetime | None:
    """Return the latest instant at which something was recorded; None if nothing was."""
    columns = (CycleRow.started_at, RunRow.started_at, PromotionRow.at, LookRow.ended_at)
    found = [session.scalar(select(func.max(column))) for column in columns]
    return max((instant for instant in found if instant is not None), default=None)


def files_changed_after(session: Session, instant: datetime) -> int:
    """Return how many known files were last changed after the instant, by their own account."""
    bound = int(instant.timestamp() * 1e9)
    return session.scalar(select(func.count()).select_from(FileRow).where(FileRow.mtime_ns > bound)) or 0
