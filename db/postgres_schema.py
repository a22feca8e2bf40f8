"""The schema of a database on a PostgreSQL server: a look at it, and making it or bringing it up to date.

It lies in the first schema of the connection's `search_path`, which Whisker shares with no other program.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.migrate import count_rows, first_line, require_kept_rows, run_migrations
from db.place import in_words
from db.revisions import is_newest, known_revisions
from pipeline.errors import DatabaseError, DatabaseMissing, WhiskerError

_MARK = "Whisker"  # the comment on Alembic's table, which other programs have too
_LOOK = """
SELECT to_regclass('alembic_version') IS NOT NULL,
       obj_description(to_regclass('alembic_version'), 'pg_class'),
       EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema())
"""


def is_current(engine: Engine, versions: Path) -> bool:
    """Return whether the database has the newest schema; False if it has an older one. Writes nothing.

    DatabaseMissing if it is empty, DatabaseTooNew if a newer program made it, DatabaseError if it is another
    program's.
    """
    name = in_words(engine.url)
    with engine.connect() as connection:
        revision = read_revision(connection, name)
    if revision is None:
        raise DatabaseMissing(f"there is nothing in the database {name}: `cli.py run-now` makes the tables")
    return is_newest(revision, known_revisions(versions), name)


def read_revision(connection: Connection, name: str) -> str | None:
    """Return the schema revision; None if the database is empty. DatabaseError if it is another program's."""
    has_version, mark, has_tables = connection.exec_driver_sql(_LOOK).one()
    if not has_version and not has_tables:
        return None
    if not has_version or mark != _MARK:
        raise DatabaseError(f"{name} is a database of another program: name an empty one in database_url")
    revisions = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    if len(revisions) != 1:
        raise DatabaseError(
            f"the database {name} does not say which schema it has: put a backup in its place"
        )
    return str(revisions[0])


def make_current(engine: Engine, versions: Path) -> None:
    """Make the schema, or bring an older one up to date, in one transaction that keeps other writers out."""
    name, known = in_words(engine.url), known_revisions(versions)
    with engine.begin() as connection:
        revision = read_revision(connection, name)  # another process may have been faster
        if revision is None:
            _create(connection, versions, name)
        elif not is_newest(revision, known, name):
            _upgrade(connection, versions, f"the database {name} could not be brought from schema {revision}")


def _create(connection: Connection, versions: Path, name: str) -> None:
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise DatabaseError(
            f"the database {name} has the encoding {encoding}: make one with `createdb -E UTF8`"
        )
    run_migrations(connection, versions)
    connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{_MARK}'")


def _upgrade(connection: Connection, versions: Path, what: str) -> None:
    try:
        before = count_rows(connection)
        run_migrations(connection, versions)
        require_kept_rows(before, count_rows(connection))
    except (SQLAlchemyError, WhiskerError) as error:
        raise DatabaseError(
            f"{what} to {known_revisions(versions)[-1]} ({first_line(error)}); nothing was changed"
        ) from error
