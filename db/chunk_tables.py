"""The tables of shared work: what a cycle offers to other processes, in chunks, and who takes part.

A chunk is claimed for a time, its lease. Rows are few and short-lived: a cycle puts up some chunks ahead of
the workers, and removes each as it takes its result.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import NUMBERS_USED_ONCE, Base
from db.columns import Sentence


class SharedJobRow(Base):
    """Work of one process that others may help with; that process is its owner."""

    __tablename__ = "shared_job"
    __table_args__ = (NUMBERS_USED_ONCE,)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    lease_seconds: Mapped[float]
    alive_until: Mapped[datetime]  # then nobody takes chunks of it, unless its owner has beaten by then
    done: Mapped[int]
    total: Mapped[int]


class ChunkRow(Base):
    """Some files of a job."""

    __tablename__ = "chunk"
    __table_args__ = (Index("ix_chunk_job_id_state", "job_id", "state"), NUMBERS_USED_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("shared_job.id"))
    content: Mapped[bytes]
    state: Mapped[str] = mapped_column(String(16))  # "free", "claimed" or "done"
    attempts: Mapped[int]  # claims until now; the number of the last one is its claimant's proof
    failures: Mapped[int]  # attempts that were lost with their process, or ended in an error
    lease_until: Mapped[datetime | None]
    result: Mapped[bytes | None]
    error: Mapped[str | None] = mapped_column(Sentence)


class WorkerRow(Base):
    """A process that takes chunks of others' jobs; gone when it has ended properly."""

    __tablename__ = "worker"
    __table_args__ = (NUMBERS_USED_ONCE,)

    id: Mapped[int] = mapped_column(primary_key=True)
    pid: Mapped[int]
    process_start: Mapped[str] = mapped_column(String(64))
    host: Mapped[str]
    started_at: Mapped[datetime]
    alive_until: Mapped[datetime]
    chunks_done: Mapped[int]
    doing: Mapped[str | None] = mapped_column(String(16))
    said: Mapped[str | None] = mapped_column(Sentence)
