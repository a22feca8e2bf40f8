"""A database on a server is that of one home: two would take each other's runs for their own."""

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
        there, here = home_mark(session), _mark_here(home)
        if there is not None and there != here:
            raise DatabaseError(
                f"the database {in_words(home.records)} has the records of another home than {home.folder}:"
                " name another one in database_url; or, if this is that home and its file"
                f" {home.mark_file.name} was lost, write {there} into it"
            )
        if there is None:
            here = here or uuid.uuid4().hex
            write_whole(home.mark_file, f"{here}\n".encode())
            set_home_mark(session, here)


def _mark_here(home: Home) -> str | None:
    try:
        text = home.mark_file.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    return text if text.isalnum() else None
