"""How far a cycle has come, and the records of one that goes on after it was cut off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.cycles import CUT_OFF
from db.run_reading import runs_with_epochs
from db.runs import get_cycle, get_run
from db.tables import CycleRow, RunRow, SnapshotRow
from pipeline.records import Run, RunKind, Status

GIVEN_UP = "given up: "  # how the sentence of a cycle begins that will not be tried again by itself


@dataclass(frozen=True)
class CycleState:
    """What of a cycle is done."""

    id: int
    status: Status
    images_folder: str
    snapshot_digest: str | None  # None: it was cut off before it had one
    resumes: int
    error: str | None
    finetune: Run | None  # the newest run of its kind, with its epochs
    scratch: Run | None  # may belong to an earlier cycle
    decided: bool  # whether it has its verdict, and with it the promotion if there is one

    @property
    def crashed(self) -> bool:
        """Whether its process ended without a word, and not because it was asked to."""
        return self.status == "interrupted" and (self.error or "").startswith(CUT_OFF)

    @property
    def given_up(self) -> bool:
        """Whether it was cut off too often."""
        return self.status == "failed" and (self.error or "").startswith(GIVEN_UP)

    def run(self, kind: RunKind) -> Run | None:
        """Return its own run of a kind."""
        run = self.finetune if kind == "finetune" else self.scratch
        return run if run and run.cycle_id == self.id else None


def newest_cycle(session: Session) -> CycleState | None:
    """Return the state of the newest cycle; None if there is none."""
    cycle_id = session.scalar(select(func.max(CycleRow.id)))
    return None if cycle_id is None else cycle_state(session, cycle_id)


def cycle_state(session: Session, cycle_id: int) -> CycleState:
    """Return how far a cycle has come; NoSuchRecord if there is none."""
    row = get_cycle(session, cycle_id)
    runs = runs_with_epochs(session, {i for i in (row.finetune_run_id, row.scratch_run_id) if i is not None})
    digest = select(SnapshotRow.digest).where(SnapshotRow.id == row.snapshot_id)
    return CycleState(
        id=row.id,
        status=row.status,
        images_folder=row.images_folder,
        snapshot_digest=session.scalar(digest),
        resumes=row.resumes,
        error=row.error,
        finetune=runs.get(row.finetune_run_id or 0),
        scratch=runs.get(row.scratch_run_id or 0),
        decided=row.decision is not None,
    )


def reopen_cycle(session: Session, cycle_id: int, *, crashed: bool) -> None:
    """Let a cycle go on; it is counted if its process had died, and was not asked to stop."""
    row = get_cycle(session, cycle_id)
    row.status, row.finished_at, row.error = "running", None, None
    row.resumes += crashed


def reopen_run(session: Session, run_id: int) -> None:
    """Let a run go on."""
    row = get_run(session, run_id)
    row.status, row.seconds, row.error = "running", None, None


def give_up(session: Session, cycle_id: int, at: datetime, reason: str) -> None:
    """Mark a cycle as one that will not be tried again by itself; `reason` is the end of the sentence."""
    row = get_cycle(session, cycle_id)
    row.status, row.finished_at, row.error = "failed", at, GIVEN_UP + reason


def unfinished_runs(session: Session) -> set[int]:
    """Return the ids of all runs that did not finish."""
    return set(session.scalars(select(RunRow.id).where(RunRow.status != "finished")))
