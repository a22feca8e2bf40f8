"""Remove what processes left on the disk that were killed."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.backups import backup_folder
from jobs.home import Home

log = logging.getLogger("whisker")

# Of files that are written beside, by whom; of a database also what SQLite keeps next to it.
UNFINISHED = re.compile(r"\..*\.(?P<pid>[0-9]+)\.tmp(-journal|-wal|-shm)?")
RUN = re.compile(r"run-([0-9]+)")


def remove_leftovers(home: Home, sessions: sessionmaker[Session]) -> None:
    """Remove half-written files, models without a finished run, and checkpoints that nobody goes on from.

    For the holder of the home's lock. Commands that write without it are left their files while they live.
    A model whose run no record knows stays: it may be newer than a database that was restored.
    """
    with sessions() as session:
        newest, unfinished = store.newest_cycle(session), store.unfinished_runs(session)
    runs = (newest.run("finetune"), newest.run("scratch")) if newest else ()
    going_on = {home.checkpoint(run.id) for run in runs if run and run.status == "interrupted"}
    for path in (
        *home.models.glob("*.tmp"),
        *(model for model in _of_runs(home.models) if _run_id(model) in unfinished),
        *(checkpoint for checkpoint in _of_runs(home.checkpoints) if checkpoint not in going_on),
        *_half_written(home),
    ):
        log.debug("removing %s, which a process left that was killed", path)
        _remove(path)


def _of_runs(folder: Path) -> list[Path]:
    return [path for path in folder.glob("run-*") if RUN.fullmatch(path.name)]


def _run_id(folder: Path) -> int:
    return int(folder.name.removeprefix("run-"))


def _half_written(home: Home) -> Iterator[Path]:
    """Yield what was written beside a file that was to appear whole, unless its writer lives."""
    folders = (home.folder, home.models, home.reports, home.weights, backup_folder(home.database))
    beside = (path for folder in folders for path in folder.glob(".*.tmp*"))
    for path in (*beside, *home.checkpoints.rglob(".*.tmp"), *home.cache.rglob(".*.tmp")):
        match = UNFINISHED.fullmatch(path.name)
        if match and not _is_alive(int(match["pid"])):
            yield path


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # it holds the lock and is writing nothing now, so another process had this number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
