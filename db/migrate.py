"""Making the schema, and bringing an older one up to date: whole or not at all, after a backup."""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from db.backups import make_backup
from db.durable import publish_new
from db.file_check import APPLICATION_ID, read_revision
from db.revisions import known_revisions
from db.sqlite_engine import create_writing_engine
from pipeline.errors import DatabaseError, WhiskerError

MIGRATIONS = Path(__file__).parent / "migrations"
CACHES = frozenset({"file"})  # the next scan finds their rows again, so a migration may remove them


def create_database(path: Path, versions: Path) -> None:
    """Make a new SQLite file with the newest schema. It appears whole, and never over another file."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        engine = create_writing_engine(URL.create("sqlite", database=str(unfinished)), foreign_keys=False)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            run_migrations(connection, versions)
        with suppress(FileExistsError):  # another process was faster; its file stands
            publish_new(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def upgrade_database(path: Path, versions: Path, now: datetime) -> Path:
    """Back up a SQLite file with an older schema, migrate it, and return the path of the backup.

    One transaction. Foreign keys are not enforced meanwhile: to change a table, SQLite needs to drop it, and
    with it would go the rows that point at it. So the number of rows and the references are compared.
    """
    revision = read_revision(path, known_revisions(versions))
    saved = make_backup(path, now, older_schema=revision).path
    engine = create_writing_engine(URL.create("sqlite", database=str(path)), foreign_keys=False)
    try:
        with engine.begin() as connection:
            before = count_rows(connection)
            run_migrations(connection, versions)
            require_kept_rows(before, count_rows(connection))
            _require_whole_references(connection)
    except (SQLAlchemyError, WhiskerError) as error:
        raise DatabaseError(
            f"the database {path} could not be brought from schema {revision} to"
            f" {known_revisions(versions)[-1]} ({first_line(error)}); nothing was changed, and {saved}"
            " is a backup"
        ) from error
    return saved


def run_migrations(connection: Connection, versions: Path) -> None:
    """Run all migrations that the database lacks, inside the transaction of the caller.

    DatabaseError if the database has a revision that `versions` does not know.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    # Config interpolates "%", which may stand in a path.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseError(f"the schema of the database cannot be brought up to date: {error}") from error


def count_rows(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    counts = {}
    for table in inspect(connection).get_table_names():
        quoted = connection.dialect.identifier_preparer.quote(table)
        counts[table] = int(connection.exec_driver_sql(f"SELECT count(*) FROM {quoted}").scalar_one())
    return counts


def require_kept_rows(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Compare the numbers of rows around a migration; DatabaseError if a table that stays has others."""
    kept = {table: rows for table, rows in before.items() if table not in CACHES}
    lost = [table for table, rows in kept.items() if rows != after.get(table, rows)]
    if lost:
        raise DatabaseError(f"the number of rows changed in {', '.join(lost)}")


def _require_whole_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise DatabaseError(f"a row of {broken[0]} points at a row of {broken[2]} that is gone")


def first_line(error: Exception) -> str:
    """Return what an error says, without the statement that follows."""
    return str(error).splitlines()[0]
