"""What the records of a home tell: backups, models, instants, leftovers. All is only read."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import store
from db.session import open_read_only
from jobs.backups import backups_of
from jobs.examination.check import Check
from jobs.home import Home
from jobs.prune import left_over
from pipeline.disk import in_words
from pipeline.errors import WeightsError, WhiskerError
from pipeline.manifest import MANIFEST, read_manifest
from pipeline.pretrained.weights import damaged_weights

LATE = timedelta(days=2)  # a backup is made each day, at the start of a look
TOLERANCE = timedelta(minutes=5)  # between two clocks that are right


def examine_records(home: Home, now: datetime) -> list[Check]:
    """Return what the database and the folders of a home tell together; nothing where it cannot be opened."""
    try:
        with open_read_only(home.records)() as session:
            return [
                backup_check(home, now, has_cycles=bool(store.cycle_ids(session))),
                champion_check(home, session),
                future_check(session, now),
                leftovers_check(home, session, now),
            ]
    except (WhiskerError, SQLAlchemyError):
        return []  # the check of the database says why


def backup_check(home: Home, now: datetime, *, has_cycles: bool) -> Check:
    """Return whether the newest backup is as new as it should be."""
    copies = backups_of(home)
    if (reason := copies.why_not()) and has_cycles:
        return Check("backups", "warning", reason)
    backups = copies.made()
    newest = max((backup.made_at for backup in backups), default=None)
    if newest is None:
        if not has_cycles:
            return Check("backups", "ok", "there is nothing to back up yet")
        mend = "the next cycle makes one, and so does `cli.py backup`"
        return Check("backups", "warning", f"there is no backup of the database; {mend}")
    text = f"the newest of {len(backups)} backups is of {newest:%Y-%m-%d %H:%M} UTC"
    if now - newest > LATE and copies.changed_since(newest + LATE):
        return Check("backups", "warning", f"{text}, and much was written since; run `cli.py backup`")
    return Check("backups", "ok", text)


def champion_check(home: Home, session: Session) -> Check:
    """Return whether the files of the champion's model are those that were written."""
    run_id = store.champion_id(session)
    if run_id is None:
        return Check("champion", "ok", "there is no champion yet")
    try:
        read_manifest(home.model(run_id), store.artifact_sha256(session, run_id, MANIFEST))
    except WeightsError as error:
        return Check("champion", "problem", f"run {run_id}: {error}; or run `cli.py rollback`")
    return Check("champion", "ok", f"the model of run {run_id} is whole (SHA-256)")


def future_check(session: Session, now: datetime) -> Check:
    """Return whether records or images are younger than the clock says that it is now."""
    newest = store.newest_instant(session)
    if newest is not None and newest > now + TOLERANCE:
        message = f"a record is of {newest:%Y-%m-%d %H:%M} UTC, which the clock has not reached"
        return Check("instants", "warning", f"{message}; set the clock right")
    late = store.files_changed_after(session, now + TOLERANCE)
    if late:
        message = f"images that were changed in the future, by their own account: {late:,}"
        return Check("instants", "warning", f"{message}; set the clock right, or `touch` these files")
    return Check("instants", "ok", "no record and no image is from the future")


def leftovers_check(home: Home, session: Session, now: datetime) -> Check:
    """Return whether something lies in the home that no record knows of."""
    found = left_over(home, session, now)
    if not found:
        return Check("leftovers", "ok", "all models and pages have their records")
    size = in_words(sum(item.size for item in found))
    message = f"{len(found)} files or folders have no record ({size}), such as {found[0].path}"
    return Check("leftovers", "warning", f"{message}; `cli.py prune` removes them")


def weights_check(folder: Path) -> Check:
    """Return whether the pretrained weights in the home are the files that they should be."""
    damaged = damaged_weights(folder)
    if damaged:
        return Check("weights of the home", "problem", damaged[0])
    return Check("weights of the home", "ok", f"no damaged weights are in {folder} (SHA-256)")
