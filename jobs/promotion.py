"""Decide whether a new run becomes the champion."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from db import store
from jobs.champion import point_at_champion
from jobs.rescore import evaluation_today
from jobs.work import Work
from pipeline.calibration import calibrated
from pipeline.compare import verdict
from pipeline.errors import WeightsError
from pipeline.failpoint import failpoint
from pipeline.records import Evaluation, Verdict

log = logging.getLogger("whisker")

IS_CHAMPION = "somebody promoted the new model while the cycle ran, so it is the champion already"


def decide(work: Work, run_id: int, batch_size: int) -> None:
    """Compare a finished run with the champion on the same test images, and promote it if it is better.

    Nothing is decided twice: a cycle that goes on and has its verdict keeps it.

    Both are judged by their calibrated probabilities. Verdict and promotion are one transaction. Where
    somebody changed the champion in the meantime, the run is compared with the new one.
    """
    with work.sessions() as session:
        if store.cycle_state(session, work.cycle_id).decided:
            return
    while not _settled(work, run_id, batch_size):
        log.info("the champion was changed by hand in the meantime, so run %d is compared again", run_id)
    failpoint("after_promotion")
    point_at_champion(work.home, work.sessions)


def _settled(work: Work, run_id: int, batch_size: int) -> bool:
    """Decide against the champion of this moment; False if another one came before that was recorded."""
    with work.sessions() as session:
        champion_id = store.champion_id(session)
    decided, compared_id = _verdict(work, champion_id, run_id, batch_size)
    wins = decided.decision in ("first", "promote")
    if wins and not work.promotion.auto:
        waits = f"promote it by `cli.py promote {run_id}`, since auto_promote is off"
        decided = replace(decided, reason=f"{decided.reason.removesuffix('.')}; {waits}")
    with work.sessions.begin() as session:
        if store.champion_id(session) != champion_id:
            return False
        if wins and work.promotion.auto:
            store.promote(session, run_id, datetime.now(UTC), decided.reason)
        store.set_verdict(session, work.cycle_id, decided, store.champion_id(session), compared_id)
    log.info("%s: %s", decided.decision, decided.reason)
    return True


def _verdict(work: Work, champion_id: int | None, run_id: int, batch_size: int) -> tuple[Verdict, int | None]:
    """Return the verdict on a run, and the champion that it was compared with; None if with none."""
    margin = work.promotion.margin
    if champion_id == run_id:
        return Verdict("hold", IS_CHAMPION, margin), None
    try:
        champion = evaluation_today(work, champion_id, batch_size) if champion_id else None
    except WeightsError as error:
        reason = f"the champion, run {champion_id}, cannot be used any more: {error}"
        return Verdict("promote", reason, margin), None
    with work.sessions() as session:
        challenger = store.evaluation_on(session, run_id, work.snapshot_id)
    assert challenger is not None, "a finished run has an evaluation"
    before = _calibrated(work, champion_id, champion) if champion_id and champion else None
    decided = verdict(before, _calibrated(work, run_id, challenger), work.snapshot.classes, margin=margin)
    return decided, champion_id if champion and champion.predictions else None


def _calibrated(work: Work, run_id: int, evaluation: Evaluation) -> Evaluation:
    with work.sessions() as session:
        return calibrated(evaluation, store.temperature(session, run_id))
