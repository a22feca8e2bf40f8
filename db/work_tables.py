"""The tables about the work itself: who is at it and how far, and how each look at the folder ended."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import WITHOUT_ROWID, Base
from db.columns import Sentence
from pipeline.records import LookOutcome


class ActivityRow(Base):
    """What the process that holds the home is doing; a single row, gone when it has ended properly.

    The process is named by its pid and by when it started, since a pid is used again.
    """

    __tablename__ = "activity"

    id: Mapped[int] = mapped_column(primary_key=True)
    pid: Mapped[int]
    process_start: Mapped[str] = mapped_column(String(64))
    host: Mapped[str]
    stage: Mapped[str]
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    stage_started_at: Mapped[datetime]
    beat_at: Mapped[datetime]  # when the process last wrote here
    progress_at: Mapped[datetime]  # when `stage` or `done` last changed
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycle.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))


class TermRow(Base):
    """Who has, or had last, a lock of the home; a single row for each lock, used on a server only.

    The number rises with each holder: who finds another one than its own has been replaced.
    """

    __tablename__ = "term"
    __table_args__ = (WITHOUT_ROWID,)

    lock: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int]
    pid: Mapped[int]
    process_start: Mapped[str] = mapped_column(String(64))
    host: Mapped[str]
    purpose: Mapped[str]
    began_at: Mapped[datetime]
    has_ended: Mapped[bool]  # properly, so that the next one need not wait whether it comes back


class LookRow(Base):
    """One look at the image folder and how it ended; old ones are removed."""

    __tablename__ = "look"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    outcome: Mapped[LookOutcome]
    reason: Mapped[str] = mapped_column(Sentence)
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycle.id"))
