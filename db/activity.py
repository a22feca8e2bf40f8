"""What the process that holds the home is doing: one row, written by that process alone."""

from dataclasses import asdict, fields

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from db.tables import CycleRow, RunRow
from db.work_tables import ActivityRow
from pipeline.records import Activity

_ONLY = 1  # the id of the row


def save_activity(session: Session, activity: Activity) -> None:
    """Put this in the place of what is stored; the cycle and the run are those that are running."""
    cycle_id = session.scalar(select(func.max(CycleRow.id)).where(CycleRow.status == "running"))
    run_id = session.scalar(select(func.max(RunRow.id)).where(RunRow.status == "running"))
    session.merge(ActivityRow(**asdict(activity) | {"id": _ONLY, "cycle_id": cycle_id, "run_id": run_id}))


def load_activity(session: Session) -> Activity | None:
    """Return what is stored; its process may be dead by now. None if the last one ended properly."""
    row = session.get(ActivityRow, _ONLY)
    if row is None:
        return None
    return Activity(**{field.name: getattr(row, field.name) for field in fields(Activity)})


def clear_activity(session: Session) -> None:
    """Remove the row: the process has ended its work."""
    session.execute(delete(ActivityRow))
