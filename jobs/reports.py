"""Render all reports from the database and put them where people look.

What renders is imported only where a page is written: matplotlib takes half a second, which a look that finds
nothing new should not cost.
"""

from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.home import Home
from pipeline.publish import write_whole
from pipeline.shown import cycle_page_name


def write_index(home: Home, sessions: sessionmaker[Session]) -> Path:
    """Render `index.html`; return its path."""
    from pipeline.report import render_index

    with sessions() as session:
        cycles = store.list_cycles(session)
        champion = store.champion_id(session)
    page = home.reports / "index.html"
    write_whole(page, render_index(cycles, champion).encode())
    return page


def write_cycle(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> Path:
    """Render the page of one cycle; return its path."""
    from pipeline.report import render_cycle

    with sessions() as session:
        cycle = store.load_cycle(session, cycle_id)
    page = home.reports / cycle_page_name(cycle_id)
    write_whole(page, render_cycle(cycle).encode())
    return page


def write_all(home: Home, sessions: sessionmaker[Session]) -> Path:
    """Render every page again; return the path of the index."""
    with sessions() as session:
        ids = store.cycle_ids(session)
    for cycle_id in ids:
        write_cycle(home, sessions, cycle_id)
    return write_index(home, sessions)
