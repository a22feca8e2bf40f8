"""Remove what processes left on the disk that were killed."""

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.cluster.job import withdraw
from jobs.home import Home
from jobs.traces import checkpoint_folders, model_folders, writing_places
from jobs.watching.process_identity import is_running

log = logging.getLogger("whisker")

OLD_SECONDS = 3600.0

# Of files that are written beside, by whom; of a database also what SQLite keeps next to it.
UNFINISHED = re.compile(r"\..*\.(?P<pid>[0-9]+)\.tmp(-journal|-wal|-shm)?")


def remove_leftovers(home: Home, sessions: sessionmaker[Session]) -> None:
    """Remove half-written files, models without a finished run, and checkpoints that nobody goes on from.

    For the holder of the home's lock. Commands that write without it are left their files while they live.
    A model whose run no record knows stays: it may be newer than a database that was restored.
    """
    with sessions() as session:
        unfinished = store.unfinished_runs(session)
    for path in (
        *home.models.glob("*.tmp"),
        *(model for run_id, model in model_folders(home).items() if run_id in unfinished),
        *_half_written(home),
    ):
        log.debug("removing %s, which a process left that was killed", path)
        _remove(path)
    withdraw(home)
    remove_checkpoints(home, sessions)


def remove_checkpoints(home: Home, sessions: sessionmaker[Session]) -> None:
    """Remove the checkpoints that nobody goes on from: all but those of a newest cycle that was cut off."""
    with sessions() as session:
        newest = store.newest_cycle(session)
    own = (newest.run("finetune"), newest.run("scratch")) if newest else ()
    going_on = {run.id for run in own if run and run.status == "interrupted"}
    for run_id, folder in checkpoint_folders(home).items():
        if run_id not in going_on:
            log.debug("removing %s, from which nobody goes on", folder)
            _remove(folder)


def _half_written(home: Home) -> Iterator[Path]:
    """Yield what was written beside a file that was to appear whole, unless its writer lives."""
    beside = (path for folder in writing_places(home) for path in folder.glob(".*.tmp*"))
    for path in (*beside, *home.checkpoints.rglob(".*.tmp"), *_in_cache(home)):
        match = UNFINISHED.fullmatch(path.name)
        if match and (_is_old(path) if home.is_on_server else _is_over(int(match["pid"]))):
            yield path


def _in_cache(home: Home) -> Iterator[Path]:
    """Yield what was half written into the cache; but not among a million copies of images."""
    for folder in home.cache.glob("*"):
        if folder != home.objects:
            yield from folder.rglob(".*.tmp")


def _is_over(pid: int) -> bool:
    """Return whether a writer has ended; we hold the lock and write nothing now, so ours was another one."""
    return pid == os.getpid() or not is_running(pid)


def _is_old(path: Path) -> bool:
    """Return whether nobody has written to a file for long; its writer may be on another host."""
    try:
        return time.time() - path.lstat().st_mtime > OLD_SECONDS
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
