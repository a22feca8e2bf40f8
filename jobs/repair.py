"""Mend what a process left that was killed; called by the holder of the home's lock."""

import logging
import shutil
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.champion import point_at_champion
from jobs.home import Home
from jobs.reports import write_cycle, write_index
from pipeline.failpoint import failpoint
from pipeline.shown import cycle_page_name

log = logging.getLogger("whisker")


def repair(home: Home, sessions: sessionmaker[Session]) -> None:
    """Close the records of runs and cycles that nobody finishes, write missing reports, remove leftovers.

    The link to the champion is put right, should a promotion have been cut off before it was renewed.
    """
    with sessions.begin() as session:
        interrupted = store.mark_interrupted(session, datetime.now(UTC))
    for cycle_id in interrupted:
        log.warning("cycle %d was cut off; its finished epochs are kept", cycle_id)
    failpoint("in_repair")
    with sessions() as session:
        known = store.cycle_ids(session)
    stale = [i for i in known if i in interrupted or not (home.reports / cycle_page_name(i)).exists()]
    for cycle_id in stale:
        write_cycle(home, sessions, cycle_id)
    if stale:
        write_index(home, sessions)
    for leftover in home.models.glob("*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    point_at_champion(home, sessions)
