"""Mend what a process left that was killed; called by the holder of the home's lock."""

import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.champion import point_at_champion
from jobs.home import Home
from jobs.reports import write_pages
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
    if stale or _is_behind(home.reports / "index.html", known):
        write_pages(home, sessions, stale)
    for leftover in home.models.glob("*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    point_at_champion(home, sessions)


def _is_behind(index: Path, known: Sequence[int]) -> bool:
    """Return whether the index was not written after the newest page, as when the disk was full by then."""
    pages = [index.with_name(cycle_page_name(number)) for number in known]
    newest = max((page.stat().st_mtime_ns for page in pages if page.exists()), default=0)
    return bool(known) and (not index.exists() or index.stat().st_mtime_ns < newest)
