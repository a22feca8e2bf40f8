"""Space on the disk: enough of it before a cycle starts, and a little held back for when it runs out."""

import contextlib
import logging
from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from db.session import DATABASE_FAILS
from jobs.home import Home
from pipeline.disk import free_bytes, full_disk, in_words
from pipeline.errors import DiskFull, SaveFailed
from pipeline.publish import write_whole

log = logging.getLogger("whisker")

RESERVE_BYTES = 2 << 20  # the records of a cycle's end take some 100 kB, with the journal
PAGE_BYTES = 16 << 20  # more than any page that was seen
SPARE_BYTES = 64 << 20  # for the database, logs, and other programs meanwhile
MODELS = 2  # the fine-tuned one and the baseline
CHECKPOINTS = 2  # of the run that trains: the newest stays until the next one is whole
IN_A_MODEL = 2  # copies of the weights: for MXNet and as ONNX
IN_A_CHECKPOINT = 4  # weights, momentum, averaged weights, and the best of these


def check_space(home: Home, *, least: int, weights_bytes: int) -> None:
    """Check that a cycle's models, page and records fit on the disks of the home.

    The cache of features is not counted: it stops growing by itself before these have no room.

    Args:
        home: its folders may lie on disks of their own.
        least: bytes that must be free in any case, `min_free_gb`; 0: nothing is checked.
        weights_bytes: the size of the pretrained weights.

    Raises:
        DiskFull: it would not fit; nothing was written.
    """
    if not least:
        return
    copies = MODELS * IN_A_MODEL + CHECKPOINTS * IN_A_CHECKPOINT
    needed = max(least, copies * weights_bytes + PAGE_BYTES + SPARE_BYTES)
    free, folder = min((free_bytes(folder), folder) for folder in (home.folder, home.models, home.reports))
    if free < needed:
        lower = ", or lower min_free_gb" if needed == least else ""
        raise DiskFull(
            f"a cycle needs {in_words(needed)} on the disk of {folder}, where {in_words(free)} are free:"
            f" free some space, for instance by `cli.py prune`{lower}"
        )


def hold_back(home: Home) -> None:
    """Keep some space, unless that is done or there is none: `record_ending` frees it in need."""
    if not home.reserve.exists():
        with contextlib.suppress(SaveFailed):
            write_whole(home.reserve, bytes(RESERVE_BYTES))


def record_ending(home: Home, sessions: sessionmaker[Session], write: Callable[[Session], None]) -> None:
    """Store in one transaction how something ended, if need be in the space that was held back.

    Raises:
        DatabaseError, DiskFull: it cannot be stored; the next start repairs the record.
    """
    try:
        with sessions.begin() as session:
            write(session)
    except DiskFull:
        home.reserve.unlink(missing_ok=True)
        with sessions.begin() as session:
            write(session)


def record_failure(
    home: Home, sessions: sessionmaker[Session], what: str, write: Callable[[Session], None]
) -> None:
    """As `record_ending`; what ended it may be in the way of that too, and must stay what is raised."""
    try:
        record_ending(home, sessions, write)
    except DATABASE_FAILS as error:
        log.warning("the end of %s could not be stored (%s); the next start does it", what, error)


def sentence_of(error: BaseException) -> str:
    """Return what is kept of an error: its sentence, or its name where it has none."""
    return str(full_disk(error) or error) or type(error).__name__
