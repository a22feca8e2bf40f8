"""Which runs may lose their models: their records stay."""

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.champion import champion_id, rollback_targets
from db.evaluations import evaluations_with_answers
from db.tables import CycleRow, RunRow

EARLIER_CHAMPIONS = 2  # whose models stay, so that `rollback` can go back so often


def runs_without_need(session: Session, *, keep_last: int, before: datetime) -> list[int]:
    """Return the runs whose models may go, oldest first; also those of which that is recorded already.

    They began before the instant, in a cycle older than the newest `keep_last` finished ones, and have ended.
    Neither the champion is among them, nor the last champions before it, nor a baseline that a cycle may use.
    """
    first_kept = _first_kept_cycle(session, keep_last)
    ended = select(RunRow.id).where(
        RunRow.status != "running", RunRow.started_at < before, RunRow.cycle_id < first_kept
    )
    needed = _champions(session) | _baselines(session, first_kept)
    return [run_id for run_id in session.scalars(ended.order_by(RunRow.id)) if run_id not in needed]


def set_models_pruned(session: Session, run_ids: Iterable[int], at: datetime) -> None:
    """Record that the models of these runs are removed; the instant of an earlier removal stays."""
    pruned = update(RunRow).where(RunRow.id.in_(list(run_ids)), RunRow.model_pruned_at.is_(None))
    session.execute(pruned.values(model_pruned_at=at))


def spare_answers(session: Session, *, keep_last: int, most: int, before: datetime) -> list[int]:
    """Return the evaluations whose answers about single images may go, oldest first.

    None as long as there are no more than `most` answers. Those of the newest `keep_last` finished cycles, of
    the champions and of baselines stay whatever their number.
    """
    spare = set(runs_without_need(session, keep_last=keep_last, before=before))
    going, answers = [], 0
    for evaluation_id, run_id, images in evaluations_with_answers(session):
        answers += images
        if answers > most and run_id in spare:
            going.append(evaluation_id)
    return going[::-1]


def _first_kept_cycle(session: Session, keep_last: int) -> int:
    """Return the oldest cycle whose models stay for its rank, or a number above all."""
    cycles = session.execute(select(CycleRow.id, CycleRow.status).order_by(CycleRow.id.desc())).tuples().all()
    kept = [cycle_id for cycle_id, status in cycles if status == "finished"][:keep_last]
    if not cycles or len(kept) < keep_last:
        return 0
    newest, status = cycles[0]
    # The next start may go on with a cycle that did not finish.
    return min([newest + 1 if status == "finished" else newest, *kept])


def _champions(session: Session) -> set[int]:
    present = champion_id(session)
    return set() if present is None else {present, *rollback_targets(session)[:EARLIER_CHAMPIONS]}


def _baselines(session: Session, first_kept: int) -> set[int]:
    """Return the baselines of the kept cycles, and the newest one of each kind, which a cycle would reuse."""
    used = session.scalars(select(CycleRow.scratch_run_id).where(CycleRow.id >= first_kept))
    rows = session.execute(
        select(RunRow.id, RunRow.backbone, RunRow.settings, CycleRow.images_folder)
        .join(CycleRow, CycleRow.id == RunRow.cycle_id)
        .where(RunRow.kind == "scratch", RunRow.status == "finished")
        .order_by(RunRow.id)
    )
    newest = {(backbone, folder, json.dumps(settings)): run_id for run_id, backbone, settings, folder in rows}
    return {run_id for run_id in used if run_id is not None} | set(newest.values())
