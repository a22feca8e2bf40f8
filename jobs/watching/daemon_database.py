"""What the daemon reads in the database, and what it writes there in the place of a process that has died."""

import logging
from datetime import UTC, datetime

from db import store
from db.session import DATABASE_FAILS, open_current, open_read_only
from jobs.home import Home
from jobs.home_lock import hold_home
from pipeline.records import LookRecord

log = logging.getLogger("whisker")

BUSY_SECONDS = 2.0  # the daemon must not wait for longer; who comes next repairs what is left


def close_records(home: Home, began: datetime, why: str) -> None:
    """Write down how a look ended whose process could not, or did not know why: it was cut off.

    Where that cannot be done, the next cycle does it, without the reason.
    """
    now = datetime.now(UTC)
    try:
        with (
            hold_home(home, "cycle", "the daemon, to close records", patience=BUSY_SECONDS) as lock,
            lock.fence(open_current(home.records, busy_seconds=BUSY_SECONDS)).begin() as session,
        ):
            store.mark_interrupted(session, now)
            cycle_id = store.explain_interruption(session, began, why)
            store.clear_activity(session)
            store.add_look(session, LookRecord(began, now, "failed", why, cycle_id))
    except DATABASE_FAILS as error:
        log.warning("why the look ended could not be recorded: %s", error)


def has_finished(home: Home, since: datetime) -> bool:
    """Return whether a cycle has finished since then; False where that cannot be read."""
    try:
        with open_read_only(home.records, busy_seconds=BUSY_SECONDS)() as session:
            return store.has_finished_since(session, since)
    except DATABASE_FAILS:
        return False


def has_failed(home: Home, since: datetime) -> bool:
    """Return whether the newest look began since then, and failed with a cycle, which tells of it itself."""
    try:
        with open_read_only(home.records, busy_seconds=BUSY_SECONDS)() as session:
            looks = store.latest_looks(session, 1)
    except DATABASE_FAILS:
        return False
    return bool(looks) and looks[0].started_at >= since and looks[0].cycle_id is not None
