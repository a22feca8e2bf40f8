"""The record of a cycle: opened when it starts or goes on, closed whatever happens."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.config import NoticeSettings
from jobs.home import Home
from jobs.leftovers import remove_checkpoints
from jobs.logs.lines import log_ids
from jobs.notices.notice import Notice
from jobs.notices.send import notify
from jobs.reports import write_pages
from jobs.resume import Wanted, cycle_to_go_on_with, status_after
from jobs.space import record_ending, record_failure, sentence_of
from pipeline.errors import Interrupted, OutOfMemory, TakenOver
from pipeline.failpoint import failpoint
from pipeline.records import Status
from pipeline.shown import cycle_page_name

log = logging.getLogger("whisker")


@contextmanager
def recorded(
    home: Home, sessions: sessionmaker[Session], wanted: Wanted, notices: NoticeSettings
) -> Iterator[int]:
    """Open the record of a cycle and close it, whatever happens; a cycle that failed has its page too.

    A cycle that was cut off and was to train just this goes on; else a new one starts. Who is to be told of
    a failure is told last.
    """
    cycle_id = _opened(sessions, wanted)
    with (
        log_ids(cycle=cycle_id),
        _told_if_failed(home, notices, cycle_id),
        _closed_at_the_end(home, sessions, cycle_id),
    ):
        remove_checkpoints(home, sessions)  # what the cycle before needed to go on is of no use to a new one
        failpoint("after_cycle_row")
        yield cycle_id


def _opened(sessions: sessionmaker[Session], wanted: Wanted) -> int:
    with sessions.begin() as session:
        cut_off = cycle_to_go_on_with(session, wanted)
        if cut_off is None:
            cycle_id = store.start_cycle(session, wanted.images_folder, datetime.now(UTC))
        else:
            cycle_id = cut_off.id
            store.reopen_cycle(session, cycle_id, crashed=cut_off.crashed)
    with log_ids(cycle=cycle_id):
        if cut_off is None:
            log.info("cycle %d starts", cycle_id)
        else:
            log.info("cycle %d goes on, since it had been cut off (%s)", cycle_id, cut_off.error)
    return cycle_id


@contextmanager
def _told_if_failed(home: Home, notices: NoticeSettings, cycle_id: int) -> Iterator[None]:
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:
        if _goes_on_at_once(error):
            raise
        page = home.reports / cycle_page_name(cycle_id)
        reason = sentence_of(error)
        report = page if page.exists() else None
        notify(notices, Notice(("failed",), home.folder, datetime.now(UTC), reason, cycle_id, report=report))
        raise


@contextmanager
def _closed_at_the_end(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        ending = _ending(cycle_id, status_after(error), sentence_of(error))
        record_failure(home, sessions, f"cycle {cycle_id}", ending)
        if not _goes_on_at_once(
            error
        ):  # else there is no memory for pages, or no right, and soon more to show
            write_pages(home, sessions, [cycle_id])
        raise
    record_ending(home, sessions, _ending(cycle_id, "finished", None))


def _ending(cycle_id: int, status: Status, error: str | None) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        store.finish_cycle(session, cycle_id, status=status, finished_at=datetime.now(UTC), error=error)

    return write


def _goes_on_at_once(error: BaseException) -> bool:
    """Return whether another process takes up the cycle, or has done so."""
    return isinstance(error, TakenOver) or (isinstance(error, OutOfMemory) and error.goes_on)
