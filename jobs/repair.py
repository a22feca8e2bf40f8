"""Mend what a process left that was killed; called by the holder of the home's lock."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.champion import point_at_champion
from jobs.home import Home
from jobs.leftovers import remove_leftovers
from jobs.reports import is_up_to_date, write_pages
from jobs.resume import give_up_after_crashes
from pipeline.failpoint import failpoint
from pipeline.shown import cycle_page_name

log = logging.getLogger("whisker")


def repair(home: Home, sessions: sessionmaker[Session]) -> bool:
    """Close the records of runs and cycles that nobody finishes, remove leftovers, write missing reports.

    The link to the champion is put right, should a promotion have been cut off before it was renewed. Each
    step does nothing where it was done before, so that a repair that is cut off is repaired by the next.

    Returns:
        Whether a cycle was given up, since its process has died too often.
    """
    with sessions.begin() as session:
        interrupted = store.mark_interrupted(session, datetime.now(UTC))
        store.remove_jobs(session)  # nobody waits any more for what others do of them
        given_up = give_up_after_crashes(session, datetime.now(UTC))
    for cycle_id in interrupted:
        log.warning("cycle %d was cut off; its finished epochs are kept", cycle_id)
    failpoint("in_repair")
    remove_leftovers(home, sessions)
    with sessions() as session:
        states = store.page_states(session)
    known = list(states)  # newest first
    stale = [i for i in known if not (home.reports / cycle_page_name(i)).exists()]
    if known and known[0] not in stale and not is_up_to_date(home, known[0], states[known[0]]):
        stale.append(known[0])
    if stale or _is_behind(home.reports / "index.html", known):
        write_pages(home, sessions, stale)
    point_at_champion(home, sessions)
    return given_up is not None


def _is_behind(index: Path, known: Sequence[int]) -> bool:
    """Return whether the index was not written after the newest page, as when the disk was full by then."""
    pages = [index.with_name(cycle_page_name(number)) for number in known]
    newest = max((page.stat().st_mtime_ns for page in pages if page.exists()), default=0)
    return bool(known) and (not index.exists() or index.stat().st_mtime_ns < newest)
