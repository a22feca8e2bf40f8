"""The terms of the holders of a lock: who is the latest, which alone may write."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Engine, event, inspect, select, update
from sqlalchemy.orm import Session, sessionmaker

from db.work_tables import TermRow
from pipeline.errors import TakenOver


@dataclass(frozen=True)
class Term:
    """That a process holds, or held, a lock of the home."""

    number: int
    pid: int
    process_start: str
    host: str
    purpose: str
    began_at: datetime
    has_ended: bool = False


def has_terms(session: Session) -> bool:
    """Return whether the database has the table; a new one has none before its first cycle."""
    return inspect(session.connection()).has_table(TermRow.__tablename__)


def latest_term(session: Session, lock: str) -> Term | None:
    """Return the newest term of a lock; None if nobody has held it yet."""
    row = session.get(TermRow, lock)
    return None if row is None else Term(**{field.name: getattr(row, field.name) for field in fields(Term)})


def begin_term(session: Session, lock: str, term: Term) -> int:
    """Store a new term in the place of the one before, and return its number: at least the term's own."""
    before = latest_term(session, lock)
    number = max(term.number, 0 if before is None else before.number + 1)
    session.merge(TermRow(lock=lock, **asdict(term) | {"number": number}))
    return number


def end_term(session: Session, lock: str, number: int) -> None:
    """Store that a term has ended properly, unless another one has begun."""
    mine = (TermRow.lock == lock, TermRow.number == number)
    session.execute(update(TermRow).where(*mine).values(has_ended=True))


def only_in_term(sessions: sessionmaker[Session], lock: str, number: int) -> sessionmaker[Session]:
    """Return the maker of sessions whose transactions begin only as long as this term is the latest.

    A new term begins in a transaction that keeps other writers out. So whoever finds its own number has all
    of its transaction before the next holder, who then reads all that it wrote. TakenOver if there is a newer
    term.
    """
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)

    def check(connection: Connection) -> None:
        latest = connection.execute(select(TermRow.number).where(TermRow.lock == lock)).scalar()
        if latest != number:
            raise TakenOver("another process has taken over this home, so nothing is written any more")

    event.listen(engine, "begin", check)
    return sessions
