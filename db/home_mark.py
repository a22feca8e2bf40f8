"""Whose records a database on a server has: the mark of its home, which a backup keeps too."""

from sqlalchemy.orm import Session

from db.work_tables import TermRow

_TABLE = TermRow.__tablename__
_FORM = "of the home "


def home_mark(session: Session) -> str | None:
    """Return the mark of the home that the records are of; None where none was set yet."""
    said = session.connection().exec_driver_sql(
        f"SELECT obj_description(to_regclass('{_TABLE}'), 'pg_class')"
    )
    comment = said.scalar()
    return comment.removeprefix(_FORM) if comment else None


def set_home_mark(session: Session, mark: str) -> None:
    """Set it; the mark is of letters and digits."""
    assert mark.isalnum()
    session.connection().exec_driver_sql(f"COMMENT ON TABLE {_TABLE} IS '{_FORM}{mark}'")
