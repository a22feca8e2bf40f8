"""What the page of each cycle is made from, as a short text that changes when the page must."""

from collections import defaultdict
from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.tables import CycleRow, EpochRow, EvaluationRow, RunRow

_RUNS = ("finetune_run_id", "scratch_run_id", "compared_id")


def page_states(session: Session) -> dict[int, str]:
    """Return a digest for each cycle by its id, newest first, at the cost of four queries for all.

    It covers the cycle's own row, the folder's finished cycle before it, how far its runs came, and which of
    them were tested on its images. All else that a page shows is stored before the cycle ends, and stays.
    """
    runs, tested = _runs(session), _tested(session)
    before: dict[str, int] = {}  # by folder: the newest finished cycle so far
    states: dict[int, str] = {}
    # The columns and not the row objects: a new column belongs to the state from its first day on.
    for cycle in session.execute(select(*CycleRow.__table__.columns).order_by(CycleRow.id)).mappings():
        folder = cycle["images_folder"]
        facts = (
            sorted((name, repr(value)) for name, value in cycle.items()),
            before.get(folder),
            [(runs.get(cycle[name]), tested[cycle["snapshot_id"]] & {cycle[name]}) for name in _RUNS],
        )
        states[cycle["id"]] = sha256(repr(facts).encode()).hexdigest()
        if cycle["status"] == "finished":
            before[folder] = cycle["id"]
    return dict(reversed(states.items()))


def _runs(session: Session) -> Mapping[int, tuple[str, int, str]]:
    """Return the status of each run, its number of finished epochs, and when its model was removed."""
    epochs = dict(
        session.execute(select(EpochRow.run_id, func.count()).group_by(EpochRow.run_id)).tuples().all()
    )
    rows = session.execute(select(RunRow.id, RunRow.status, RunRow.model_pruned_at))
    return {run_id: (status, epochs.get(run_id, 0), str(pruned_at)) for run_id, status, pruned_at in rows}


def _tested(session: Session) -> defaultdict[int | None, set[int]]:
    """Return by snapshot which runs were tested on it."""
    tested: defaultdict[int | None, set[int]] = defaultdict(set)
    for run_id, snapshot_id in session.execute(select(EvaluationRow.run_id, EvaluationRow.snapshot_id)):
        tested[snapshot_id].add(run_id)
    return tested
