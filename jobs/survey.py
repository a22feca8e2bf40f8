"""Look at the image folder as a cycle does: twice where something is new, keeping what was read."""

import logging
import time
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.batches import batches
from jobs.ahead import Ahead
from jobs.config import Config
from jobs.look import Accepted, Look, comparing, judge, nothing_settled, scan_folder, unchanged
from jobs.memory import files_of, index_of, last_if_unchanged, remember
from jobs.stop import StopFlag
from pipeline.evaluate import Progress
from pipeline.read_files import ReadFiles
from pipeline.scan_result import ScanResult, settled_files

log = logging.getLogger("whisker")


def survey(
    sessions: sessionmaker[Session],
    config: Config,
    flag: StopFlag,
    progress: Progress,
    ahead: Ahead,
    read: ReadFiles,
    *,
    if_changed: bool,
    accepted: Accepted,
) -> Look:
    """Look at the folder, twice where there is something new: it counts if it is the same in both looks.

    Args:
        sessions: of the database, which is written to.
        config: the settings.
        flag: raises in time once a signal has come.
        progress: shows how far the scan is.
        ahead: what to do between the two looks.
        read: reads new files.
        if_changed: whether unchanged data are the end of it, so that no image has to be loaded.
        accepted: what a person has decided about changed classes and lost images.

    Raises:
        DataError, NeedsDecision: the folder cannot be used as it is, or not without a person.
        Interrupted: a signal has come.
    """
    folder = config.images_folder()
    started = time.perf_counter()
    scanned = _scan(sessions, config, flag, progress, read)
    if scanned.settling or scanned.changed_files:
        log.info("%d files are new or being written; looking twice", _unsure(scanned))
        with ahead.while_waiting(scanned, flag) as wait_is_over:
            _wait(started + config.settle_seconds + 0.1 - time.perf_counter(), flag, progress)
            wait_is_over()
            flag.check()
            scanned = _scan(sessions, config, flag, progress, read)
    last = last_if_unchanged(sessions, scanned, config) if if_changed else None
    now = datetime.now(UTC)
    if last:
        return unchanged(scanned, config, last, now=now, seconds=time.perf_counter() - started)
    progress("snapshot", 0, 0)
    files = settled_files(files_of(sessions, str(folder)), scanned)
    past = remember(sessions, str(folder), scanned.layout, files)
    seconds = time.perf_counter() - started
    shown = comparing(flag, progress)
    found = judge(scanned, files, config, past, accepted=accepted, now=now, seconds=seconds, progress=shown)
    if not (if_changed or found.summary.total("train", "test")):
        raise nothing_settled(folder)
    return found


def _wait(seconds: float, flag: StopFlag, progress: Progress) -> None:
    """Wait, a second at a time: who watches this process must see that it is alive."""
    end = time.perf_counter() + seconds
    while flag.signal_number is None and (left := end - time.perf_counter()) > 0:
        progress("waiting for files to settle", int(seconds - left), int(seconds))
        flag.nap(min(1.0, left))


def _unsure(scanned: ScanResult) -> int:
    return len(scanned.settling) + len(scanned.changed_files)


def _scan(
    sessions: sessionmaker[Session], config: Config, flag: StopFlag, progress: Progress, read: ReadFiles
) -> ScanResult:
    """Scan once; what was read is kept in the index, also when a signal cuts the scan short."""
    folder = config.images_folder()
    scanned = scan_folder(folder, config, index_of(sessions, str(folder)), flag, progress, read)
    _keep(sessions, str(folder), scanned)
    flag.check()
    return scanned


def _keep(sessions: sessionmaker[Session], folder: str, scanned: ScanResult) -> None:
    """Put what was read into the index, in short transactions: nobody waits for a million rows.

    The digests of the folders come last. Without them, the next look compares their files one by one.
    """
    for some in batches(scanned.changed_files):
        with sessions.begin() as session:
            store.save_files(session, folder, some)
    if scanned.digests:
        with sessions.begin() as session:
            store.save_files(session, folder, (), scanned.digests)
