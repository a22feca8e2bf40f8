"""The record of a cycle: opened when it starts, closed whatever happens."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.config import NoticeSettings
from jobs.home import Home
from jobs.log_lines import log_ids
from jobs.notice import Notice
from jobs.notices import notify
from jobs.reports import write_cycle, write_index
from pipeline.errors import Interrupted
from pipeline.failpoint import failpoint
from pipeline.records import Status
from pipeline.shown import cycle_page_name

log = logging.getLogger("whisker")


@contextmanager
def recorded(
    home: Home, sessions: sessionmaker[Session], folder: Path, notices: NoticeSettings
) -> Iterator[int]:
    """Open the record of a cycle and close it, whatever happens; a cycle that failed has its page too.

    Who is to be told of a failure is told last.
    """
    with sessions.begin() as session:
        cycle_id = store.start_cycle(session, str(folder), datetime.now(UTC))
    with (
        log_ids(cycle=cycle_id),
        _told_if_failed(home, notices, cycle_id),
        _closed_at_the_end(home, sessions, cycle_id),
    ):
        log.info("cycle %d starts", cycle_id)
        failpoint("after_cycle_row")
        yield cycle_id


@contextmanager
def _told_if_failed(home: Home, notices: NoticeSettings, cycle_id: int) -> Iterator[None]:
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:
        page = home.reports / cycle_page_name(cycle_id)
        reason = str(error) or type(error).__name__
        report = page if page.exists() else None
        notify(notices, Notice(("failed",), home.folder, datetime.now(UTC), reason, cycle_id, report=report))
        raise


@contextmanager
def _closed_at_the_end(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> Iterator[None]:
    status: Status = "finished"
    message = None
    try:
        yield
    except BaseException as error:
        status = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        message = str(error) or type(error).__name__
        raise
    finally:
        with sessions.begin() as session:
            store.finish_cycle(session, cycle_id, status=status, finished_at=datetime.now(UTC), error=message)
        if status != "finished":
            _report_failure(home, sessions, cycle_id)


def _report_failure(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> None:
    """Write the page of a cycle that did not finish, if that can be done.

    What ended the cycle, such as a lack of memory, may be in the way, and must stay what is raised.
    """
    try:
        write_cycle(home, sessions, cycle_id)
        write_index(home, sessions)
    except Exception as error:
        log.warning(
            "the page of cycle %d could not be written (%s); the next cycle writes it", cycle_id, error
        )
