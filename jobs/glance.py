"""Look at the image folder without writing anything, as `scan` does."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from db.session import open_read_only
from jobs.config import Config
from jobs.home import Home
from jobs.look import NOTHING_ACCEPTED, Look, comparing, judge, nothing_settled, scan_folder, unchanged
from jobs.memory import NO_PAST, files_of, index_of, last_if_unchanged, remember
from jobs.stop import StopFlag
from pipeline.errors import DatabaseMissing
from pipeline.evaluate import Progress
from pipeline.leaks import fingerprints_of
from pipeline.near_duplicates import Counted
from pipeline.records import FileState, Snapshot
from pipeline.scan_result import NOTHING_KNOWN, ScanResult, settled_files


def glance(home: Home, config: Config, flag: StopFlag, progress: Progress) -> Look:
    """Return what a cycle would find now; a home that does not exist yet counts as an empty one.

    Raises:
        DataError: the folder cannot be used as it is.
        NeedsDecision: only a person can decide whether to go on.
        Interrupted: a signal has come.
    """
    seen = _see(home, config, flag, progress)
    last = last_if_unchanged(seen.sessions, seen.scanned, config) if seen.sessions else None
    if last:
        return unchanged(seen.scanned, config, last, now=datetime.now(UTC), seconds=seen.seconds())
    return _judged(seen, config, comparing(flag, progress))[0]


def images_of_a_cycle(
    home: Home, config: Config, flag: StopFlag, progress: Progress
) -> tuple[Snapshot, Mapping[str, bytes]]:
    """Return the images that a cycle would train and test on now, and the perceptual hash of each content.

    Raises:
        As `glance`; NoSettledImages if there are none yet.
    """
    look, files = _judged(_see(home, config, flag, progress), config, comparing(flag, progress))
    if look.snapshot is None or not look.snapshot.images:
        raise nothing_settled(config.images_folder())
    return look.snapshot, fingerprints_of(files)


@dataclass(frozen=True)
class _Seen:
    """What a scan found, and what was known before."""

    sessions: sessionmaker[Session] | None  # None: there is no database yet
    scanned: ScanResult
    started: float

    def seconds(self) -> float:
        return time.perf_counter() - self.started


def _see(home: Home, config: Config, flag: StopFlag, progress: Progress) -> _Seen:
    folder = config.images_folder()
    started = time.perf_counter()
    sessions = _opened(home)
    index = index_of(sessions, str(folder)) if sessions else NOTHING_KNOWN
    scanned = scan_folder(folder, config, index, flag, progress)
    flag.check()
    return _Seen(sessions, scanned, started)


def _opened(home: Home) -> sessionmaker[Session] | None:
    try:
        return open_read_only(home.records)
    except DatabaseMissing:
        return None


def _judged(seen: _Seen, config: Config, progress: Counted) -> tuple[Look, Sequence[FileState]]:
    """Return what a scan means for a cycle, and the files that have settled."""
    folder, scanned = str(config.images_folder()), seen.scanned
    files, past = settled_files((), scanned), NO_PAST
    if seen.sessions:
        files = settled_files(files_of(seen.sessions, folder), scanned)
        past = remember(seen.sessions, folder, scanned.layout, files)
    now, seconds = datetime.now(UTC), seen.seconds()
    look = judge(
        scanned, files, config, past, accepted=NOTHING_ACCEPTED, now=now, seconds=seconds, progress=progress
    )
    return look, files
