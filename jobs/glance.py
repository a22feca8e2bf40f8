"""Look at the image folder without writing anything, as `scan` does."""

import time
from datetime import UTC, datetime

from db import store
from db.session import open_read_only
from jobs.config import Config
from jobs.home import Home
from jobs.look import NOTHING_ACCEPTED, Look, judge, scan_folder, unchanged
from jobs.memory import NO_PAST, index_of, last_if_unchanged, remember
from jobs.stop import StopFlag
from pipeline.evaluate import Progress
from pipeline.scan_result import NOTHING_KNOWN, settled_files


def glance(home: Home, config: Config, flag: StopFlag, progress: Progress) -> Look:
    """Return what a cycle would find now; a home that does not exist yet counts as an empty one.

    Raises:
        DataError: the folder cannot be used as it is.
        NeedsDecision: only a person can decide whether to go on.
        Interrupted: a signal has come.
    """
    folder = config.images_folder()
    started = time.perf_counter()
    sessions = open_read_only(home.database) if home.database.exists() else None
    index = index_of(sessions, str(folder)) if sessions else NOTHING_KNOWN
    scanned = scan_folder(folder, config, index, flag, progress)
    flag.check()
    now = datetime.now(UTC)
    last = last_if_unchanged(sessions, scanned, config) if sessions else None
    if last:
        return unchanged(scanned, config, last, now=now, seconds=time.perf_counter() - started)
    files, past = settled_files((), scanned), NO_PAST
    if sessions:
        with sessions() as session:
            files = settled_files(store.known_files(session, str(folder)).values(), scanned)
            past = remember(session, str(folder), scanned.layout, files)
    seconds = time.perf_counter() - started
    return judge(scanned, files, config, past, accepted=NOTHING_ACCEPTED, now=now, seconds=seconds)
