"""The champion: the run whose network predicts; and how it came to be that."""

from datetime import datetime
from enum import Enum
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.runs import get_run
from db.tables import PromotionRow
from pipeline.errors import CannotPromote, ChampionChanged
from pipeline.records import Promotion, PromotionSource


class _Unchecked(Enum):
    UNCHECKED = "any champion"


UNCHECKED = _Unchecked.UNCHECKED


def champion_id(session: Session) -> int | None:
    """Return the id of the run that was promoted last; None if none ever was."""
    return session.scalar(select(PromotionRow.run_id).order_by(PromotionRow.id.desc()).limit(1))


def promote(
    session: Session,
    run_id: int,
    at: datetime,
    reason: str,
    source: PromotionSource = "cycle",
    expected: int | Literal[_Unchecked.UNCHECKED] | None = UNCHECKED,
) -> None:
    """Make a run the champion, if `expected` (a run, or None for none) is the champion until now.

    On SQLite the transaction of a writer has the write lock from its beginning on, so nobody can come between
    the check and the change. NoSuchRecord if there is no such run, CannotPromote if its model was removed;
    ChampionChanged if another is champion.
    """
    if get_run(session, run_id).model_pruned_at is not None:
        raise CannotPromote(f"the model of run {run_id} was removed to save space, so it cannot be champion")
    present = champion_id(session)
    if expected is not UNCHECKED and present != expected:
        now = "no run" if present is None else f"run {present}"
        raise ChampionChanged(
            f"run {run_id} was not promoted, since {now} has become the champion meanwhile; look at"
            " `cli.py champion`, then decide again"
        )
    session.add(PromotionRow(run_id=run_id, at=at, reason=reason, source=source))


def promotions(session: Session) -> list[Promotion]:
    """Return every change of champion, newest first."""
    rows = session.scalars(select(PromotionRow).order_by(PromotionRow.id.desc()))
    return [Promotion(row.id, row.run_id, row.at, row.reason, row.source) for row in rows]


def rollback_targets(session: Session) -> list[int]:
    """Return the runs that were champion before the present one came, the last of them first.

    Each promotion puts a run on a pile, and each rollback takes runs away down to its own, so repeated
    rollbacks go further back and never forth again.
    """
    pile: list[int] = []
    for promotion in reversed(promotions(session)):
        if promotion.source == "rollback":
            while pile and pile[-1] != promotion.run_id:
                pile.pop()
        else:
            pile.append(promotion.run_id)
    before = dict.fromkeys(reversed(pile[:-1]))  # each once
    return [run_id for run_id in before if run_id != pile[-1]]
