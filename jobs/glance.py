"""Look at the image folder without writing anything, as `scan` does."""

import time
from datetime import UTC, datetime

from db import store
from db.session import open_read_only
from jobs.config import Config
from jobs.home import Home
from jobs.look import NOTHING_ACCEPTED, Look, judge, scan_folder
from jobs.memory import NO_PAST, remember
from jobs.stop import StopFlag
from pipeline.evaluate import Progress
from pipeline.records import FileState


def glance(home: Home, config: Config, flag: StopFlag, progress: Progress) -> Look:
    """Return what a cycle would find now; a home that does not exist yet counts as an empty one.

    Raises:
        DataError: the folder cannot be used as it is.
        NeedsDecision: only a person can decide whether to go on.
        Interrupted: a signal has come.
    """
    folder = config.images_folder()
    sessions = open_read_only(home.database) if home.database.exists() else None
    known: dict[bytes, FileState] = {}
    if sessions:
        with sessions() as session:
            known = store.known_files(session, str(folder))
    started = time.perf_counter()
    scanned = scan_folder(folder, config, known, flag, progress)
    flag.check()
    past = NO_PAST
    if sessions:
        with sessions() as session:
            past = remember(session, str(folder), scanned)
    seconds = time.perf_counter() - started
    now = datetime.now(UTC)
    return judge(scanned, config, past, accepted=NOTHING_ACCEPTED, now=now, seconds=seconds)
