"""The champion: the run whose network predicts."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.runs import get_run
from db.tables import PromotionRow


def champion_id(session: Session) -> int | None:
    """Return the id of the run that was promoted last; None if none ever was."""
    return session.scalar(select(PromotionRow.run_id).order_by(PromotionRow.id.desc()).limit(1))


def promote(session: Session, run_id: int, at: datetime, reason: str) -> None:
    """Make a run the champion; NoSuchRecord if there is no such run."""
    get_run(session, run_id)
    session.add(PromotionRow(run_id=run_id, at=at, reason=reason))


def promotions(session: Session) -> list[tuple[int, datetime, str]]:
    """Return every change of champion, newest first: the id of the run, the instant and the reason."""
    rows = session.execute(
        select(PromotionRow.run_id, PromotionRow.at, PromotionRow.reason).order_by(PromotionRow.id.desc())
    )
    return list(rows.tuples())
