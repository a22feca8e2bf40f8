"""Look at the image folder without writing anything, as `scan` does."""

import time
from pathlib import Path

from db import store
from db.session import open_read_only
from jobs.config import Config
from jobs.home import Home
from jobs.look import Look, judge
from jobs.stop import StopFlag
from pipeline.evaluate import Progress
from pipeline.records import FileState, Snapshot
from pipeline.scan import scan


def glance(home: Home, config: Config, flag: StopFlag, progress: Progress) -> Look:
    """Return what a cycle would find now; a home that does not exist yet counts as an empty one.

    Raises:
        DataError: the folder cannot be used as it is.
        Interrupted: a signal has come.
    """
    folder = config.images_folder()
    known, last = _remembered(home, folder)
    started = time.perf_counter()
    scanned = scan(
        folder,
        known,
        settle_seconds=config.settle_seconds,
        progress=lambda done, total: progress("files", done, total),
        should_stop=lambda: flag.signal_number is not None,
    )
    flag.check()
    return judge(scanned, config, last, time.perf_counter() - started)


def _remembered(home: Home, folder: Path) -> tuple[dict[bytes, FileState], Snapshot | None]:
    if not home.database.exists():
        return {}, None
    with open_read_only(home.database)() as session:
        return (
            store.known_files(session, str(folder)),
            store.last_finished_snapshot(session, str(folder)),
        )
