"""Decide whether a new run becomes the champion."""

import logging
from datetime import UTC, datetime

from db import store
from jobs.rescore import evaluation_today
from jobs.training import Work
from pipeline.compare import verdict
from pipeline.errors import WeightsError
from pipeline.records import Evaluation, Verdict

log = logging.getLogger("whisker")


def decide(work: Work, run_id: int, batch_size: int) -> None:
    """Compare a finished run with the champion on the same test images, and promote it if it is better.

    Verdict and promotion are one transaction.
    """
    with work.sessions() as session:
        champion_id = store.champion_id(session)
        challenger = store.evaluation_on(session, run_id, work.snapshot_id)
    assert challenger is not None, "a finished run has an evaluation"
    decided = _verdict(work, champion_id, challenger, batch_size)
    log.info("%s: %s", decided.decision, decided.reason)
    with work.sessions.begin() as session:
        if decided.decision in ("first", "promote"):
            store.promote(session, run_id, datetime.now(UTC), decided.reason)
        store.set_verdict(session, work.cycle_id, decided, store.champion_id(session))


def _verdict(work: Work, champion_id: int | None, challenger: Evaluation, batch_size: int) -> Verdict:
    try:
        champion = evaluation_today(work, champion_id, batch_size) if champion_id else None
    except WeightsError as error:
        return Verdict("promote", f"the champion, run {champion_id}, cannot be used any more: {error}")
    return verdict(champion, challenger, work.snapshot.classes)
