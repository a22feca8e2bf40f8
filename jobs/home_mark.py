"""What a home is known by, wherever it is mounted: to a database on a server, and to workers on other hosts.

A database is that of one home: two would take each other's runs for their own.
"""

import uuid

from sqlalchemy.orm import Session, sessionmaker

from db.home_mark import home_mark, set_home_mark
from db.place import in_words
from jobs.home import Home
from pipeline.errors import DatabaseError
from pipeline.publish import write_whole


def require_ours(home: Home, sessions: sessionmaker[Session]) -> None:
    """Check that the records are those of this home, and mark both where that was not done yet.

    Raises:
        DatabaseError: they are another home's.
    """
    with sessions.begin() as session:
        there, here = home_mark(session), mark_of(home)
        if there is not None and there != here:
            raise DatabaseError(
                f"the database {in_words(home.records)} has the records of another home than {home.folder}:"
                " name another one in database_url; or, if this is that home and its file"
                f" {home.mark_file.name} was lost, write {there} into it"
            )
        if there is None:
            set_home_mark(session, marked(home))


def marked(home: Home) -> str:
    """Return the mark of a home, which gets one if it has none.

    Raises:
        SaveFailed: it could not be written.
    """
    mark = mark_of(home)
    if mark is None:
        mark = uuid.uuid4().hex
        write_whole(home.mark_file, f"{mark}\n".encode())
    return mark


def mark_of(home: Home) -> str | None:
    """Return the mark of a home; None if it has none."""
    try:
        text = home.mark_file.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    return text if text.isalnum() else None
