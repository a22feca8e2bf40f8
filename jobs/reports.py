"""Render the reports from the database and put them where people look; a page that is up to date stays.

What renders is imported only where a page is written: matplotlib takes half a second, which a look that finds
nothing new should not cost.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.home import Home
from jobs.space import sentence_of
from pipeline.publish import write_whole
from pipeline.report.page_mark import HEAD, mark_of, page_mark
from pipeline.shown import cycle_page_name

log = logging.getLogger("whisker")


def write_index(home: Home, sessions: sessionmaker[Session]) -> Path:
    """Render `index.html`; return its path."""
    from pipeline.report.render import render_index

    with sessions() as session:
        cycles = store.list_cycles(session)
        champion = store.champion_id(session)
        promotions = store.promotions(session)
    page = home.reports / "index.html"
    write_whole(page, render_index(cycles, champion, promotions).encode())
    return page


def write_cycle(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> Path:
    """Render the page of one cycle; return its path."""
    with sessions() as session:
        state = store.page_states(session)[cycle_id]
    return _write(home, sessions, cycle_id, state)


def write_pages(home: Home, sessions: sessionmaker[Session], cycle_ids: Iterable[int]) -> Path | None:
    """Render the pages of some cycles, then the index; return the path of the last page, None if it failed.

    A page that cannot be written is a warning: what it shows is in the database, and the next start writes
    it. So a full disk, or a fault in a template, costs no cycle its result.
    """
    page = None
    for cycle_id in cycle_ids:
        page = _try(partial(write_cycle, home, sessions, cycle_id))
    _try(partial(write_index, home, sessions))
    return page


def _try(write: Callable[[], Path]) -> Path | None:
    try:
        return write()
    except Exception as error:  # whatever a renderer may raise
        log.warning("a page could not be written (%s); the next start writes it", sentence_of(error))
        return None


def write_all(home: Home, sessions: sessionmaker[Session], *, anew: bool = False) -> Path:
    """Render the index and the pages that are not up to date, or all `anew`; return the path of the index.

    A page is not up to date that is missing, of an older state of its cycle, or of another version. What was
    rendered of a cycle whose answers are gone by now stays: it could not be rendered whole again.
    """
    with sessions() as session:
        states, without = store.page_states(session), store.cycles_without_answers(session)
    for cycle_id, state in states.items():
        if cycle_id in without and (home.reports / cycle_page_name(cycle_id)).exists():
            continue
        if anew or not is_up_to_date(home, cycle_id, state):
            _write(home, sessions, cycle_id, state)
    return write_index(home, sessions)


def is_up_to_date(home: Home, cycle_id: int, state: str) -> bool:
    """Return whether the page of a cycle shows this state of it, and is of this version."""
    return _mark_on(home.reports / cycle_page_name(cycle_id)) == page_mark(state)


def _write(home: Home, sessions: sessionmaker[Session], cycle_id: int, state: str) -> Path:
    """Render a page; `state` was read before the cycle is, so that a change in between is seen next time."""
    from pipeline.report.render import render_cycle

    with sessions() as session:
        cycle = store.load_cycle(session, cycle_id)
    page = home.reports / cycle_page_name(cycle_id)
    write_whole(page, render_cycle(cycle, page_mark(state)).encode())
    return page


def _mark_on(page: Path) -> str | None:
    try:
        with page.open("rb") as file:
            return mark_of(file.read(HEAD))
    except OSError:
        return None
