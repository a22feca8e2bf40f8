"""Remove what need not be kept: models of old runs, old backups, and on demand what nothing knows of."""

import logging
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.backups import superseded
from db.session import open_read_only, utc_now
from jobs.backups import backups_of, open_home
from jobs.config import Config
from jobs.home import Home
from jobs.home_lock import hold_home
from jobs.space import sentence_of
from jobs.traces import cycle_pages, model_folders, writing_places

log = logging.getLogger("whisker")

Kind = Literal["model", "backup", "leftover"]

LEFT_FOR = timedelta(days=1)  # what is younger may belong to somebody at work
UNFINISHED = re.compile(r"\..*\.tmp(-journal|-wal|-shm)?|\.download-.*|.*\.tmp")


@dataclass(frozen=True)
class Going:
    """One file or folder that may go."""

    kind: Kind
    path: Path
    size: int  # bytes
    reason: str
    run: int | None = None  # whose model it is, where there is a record


def going(home: Home, session: Session, config: Config, now: datetime) -> list[Going]:
    """Return what the settings do not keep; nothing is changed."""
    folders = model_folders(home)
    since = now - timedelta(days=config.keep_days)
    runs = store.runs_without_need(session, keep_last=config.keep_last, before=since)
    reason = f"older than the last {config.keep_last} cycles and {config.keep_days} days"
    models = [
        Going("model", folders[run_id], _size(folders[run_id]), reason, run_id)
        for run_id in runs
        if run_id in folders
    ]
    backups = [
        Going("backup", backup.path, backup.size, f"older than the last {config.keep_backups}")
        for backup in superseded(backups_of(home).made(), config.keep_backups)
    ]
    return models + backups


def left_over(home: Home, session: Session, now: datetime) -> list[Going]:
    """Return what no record knows of and nobody has touched for a day."""
    runs, cycles = {run.id for run in store.list_runs(session)}, set(store.cycle_ids(session))
    models = [path for number, path in model_folders(home).items() if number not in runs]
    pages = [path for number, path in cycle_pages(home).items() if number not in cycles]
    found = [
        *((path, "a model without a record") for path in models),
        *((path, "the page of a cycle without a record") for path in pages),
        *((path, "left by a process that was cut off") for path in _unfinished(home)),
    ]
    old = (now - LEFT_FOR).timestamp()
    return [Going("leftover", path, _size(path), reason) for path, reason in found if _touched_at(path) < old]


def remove(home: Home, sessions: sessionmaker[Session], wanted: list[Going], now: datetime) -> None:
    """Remove these; the caller holds the lock of the home.

    That a model goes is recorded first, so that no run seems to have a model which is gone; and nobody can
    make the run champion in between.

    Raises:
        OSError: something cannot be removed; what was recorded is removed the next time.
    """
    with sessions.begin() as session:
        kept = store.champion_id(session)
        chosen = [item for item in wanted if item.run is None or item.run != kept]
        store.set_models_pruned(session, [item.run for item in chosen if item.run is not None], now)
    for item in chosen:
        _remove(item.path)


def prune_home(home: Home, config: Config, *, dry_run: bool) -> list[Going]:
    """Remove all that may go, or with `dry_run` nothing; return it.

    Raises:
        Locked: a cycle is at work; a dry run does not mind.
        DatabaseError: the database cannot be used.
    """
    home.require()
    now = utc_now()
    if dry_run:
        return _all_going(home, open_read_only(home.records), config, now)
    with hold_home(home, "cycle", "a pruning", pace=config.pace()) as lock:
        sessions = lock.fence(open_home(home))
        wanted = _all_going(home, sessions, config, now)
        remove(home, sessions, wanted, now)
        forget_answers(sessions, config, now)
    return wanted


def _all_going(home: Home, sessions: sessionmaker[Session], config: Config, now: datetime) -> list[Going]:
    with sessions() as session:
        return going(home, session, config, now) + left_over(home, session, now)


def keep_to_the_settings(home: Home, sessions: sessionmaker[Session], config: Config, now: datetime) -> None:
    """Remove the models and backups that the settings do not keep; a fault is a warning."""
    try:
        with sessions() as session:
            wanted = going(home, session, config, now)
        remove(home, sessions, wanted, now)
        forget_answers(sessions, config, now)
    except Exception as error:  # whatever it is, the cycle before it has succeeded
        log.warning("not all that is old could be removed: %s", sentence_of(error))
        return
    if wanted:
        log.info("removed %d old models and backups", len(wanted))


def forget_answers(sessions: sessionmaker[Session], config: Config, now: datetime) -> None:
    """Remove what old runs said of single test images, where there are more answers than the settings keep.

    Each evaluation in a transaction of its own: of a million images it has 200,000 rows.
    """
    with sessions() as session:
        spare = store.spare_answers(session, keep_last=config.keep_last, most=config.keep_answers, before=now)
    for evaluation_id in spare:
        with sessions.begin() as session:
            store.remove_answers(session, evaluation_id)
    if spare:
        log.info("removed the answers of %d old evaluations about single images", len(spare))


def _unfinished(home: Home) -> Iterator[Path]:
    """Yield what gets another name when it is finished, and never got it."""
    for folder in writing_places(home):
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if UNFINISHED.fullmatch(path.name))


def _remove(path: Path) -> None:
    """Remove a file; a folder gets another name first, so that no half of a model is ever in its place."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    doomed = path.with_name(f"{path.name.removesuffix('.tmp')}.tmp")
    if doomed != path:
        path.rename(doomed)
    shutil.rmtree(doomed)


def _touched_at(path: Path) -> float:
    """Return when it was last changed, in seconds since 1970; of what is gone by now, never."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files)
