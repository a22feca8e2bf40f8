"""Copies of a database on a PostgreSQL server, made and put back by the server's own programs."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection

from db.backups import Backup, appearing_whole, backup_folder, failed, name_of_backup
from db.engine import create_read_only_engine
from db.migrate import count_rows
from db.place import in_words
from db.postgres_schema import is_current, read_revision
from db.restore import NUMBERED, Numbers
from db.revisions import VERSIONS, is_newest, known_revisions
from db.server_programs import on_database, programs_for, require_success, start
from db.sqlite_engine import BUSY_SECONDS
from pipeline.errors import DatabaseError, DatabaseMissing, DatabaseTooNew

AS_OURS = ("--no-owner", "--no-privileges")  # whoever puts it back
_TABLE = re.compile(rb'COPY (?:\S+\.)?"?(\w+)"? \(([^)]*)\) FROM stdin;\n')


@dataclass
class Dump:
    """What a backup holds, read from its first byte to its last."""

    rows: dict[str, int] = field(default_factory=dict)  # of each table
    ids: dict[str, set[int]] = field(default_factory=lambda: {table: set() for table in NUMBERED})
    revision: str | None = None


def why_not(url: URL) -> str | None:
    """Return why no backup can be made from here; None if one can."""
    try:
        with _reading(url) as connection:
            programs_for(_version(connection))
    except DatabaseError as error:
        return str(error)
    return None


def make_server_backup(url: URL, file: Path, now: datetime, *, older_schema: str | None = None) -> Backup:
    """Write all of the database as it is at one moment into the folder of backups beside `file`.

    The backup appears once it was read back and each table was found to have as many rows as the database,
    and only its owner may read it. DatabaseError if that fails.
    """
    try:
        target = name_of_backup(file, file.suffix, now, older_schema)
        with appearing_whole(target) as unfinished:
            _write(url, unfinished)
    except OSError as error:
        what = f"the database {in_words(url)} could not be backed up"
        raise failed(what, backup_folder(file), error) from error
    return Backup(target, now, older_schema, target.stat().st_size)


def _write(url: URL, target: Path) -> None:
    what = f"the database {in_words(url)} could not be backed up"
    with _reading(url) as connection:
        programs = programs_for(_version(connection))
        if read_revision(connection, in_words(url)) is None:
            raise DatabaseMissing(f"there is nothing in the database {in_words(url)} to back up")
        moment, schema = connection.exec_driver_sql("SELECT pg_export_snapshot(), current_schema()").one()
        rows = count_rows(connection)
        there, environment = on_database(url)
        what_of_it = (f"--snapshot={moment}", f'--table="{schema}".*')
        form = ("--format=custom", f"--file={target}")
        process = start([programs["pg_dump"], *there, *AS_OURS, *form, *what_of_it], env=environment)
        require_success(process, what)
    if read_dump(target, programs["pg_restore"]).rows != rows:
        raise DatabaseError(f"{what}: the copy lacks rows; check the disk")


def read_dump(backup: Path, program: Path | None = None) -> Dump:
    """Read all of a backup; DatabaseError if it is none, or damaged."""
    dump, table, place = Dump(), "", -1
    program = program or programs_for(0)["pg_restore"]
    process = start([program, "--data-only", "--file=-", backup], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for line in process.stdout:
        if not table:
            if match := _TABLE.fullmatch(line):
                columns = match[2].decode().replace('"', "").split(", ")
                table, dump.rows[match[1].decode()] = match[1].decode(), 0
                place = columns.index("id") if table in dump.ids else -1
        elif line == b"\\.\n":
            table = ""
        else:
            dump.rows[table] += 1
            if place >= 0:
                dump.ids[table].add(int(line.rstrip(b"\n").split(b"\t")[place]))
            if table == "alembic_version":
                dump.revision = line.decode().strip()
    require_success(process, f"{backup} is no whole backup of a database")
    return dump


def check_server_backup(backup: Path) -> Dump:
    """Check that a file is a whole backup of ours, of this schema or an older one; return what it holds.

    DatabaseTooNew or DatabaseError if it is not.
    """
    if not backup.is_file():
        raise DatabaseMissing(f"there is no backup {backup}")
    dump = read_dump(backup)
    if dump.revision is None:
        raise DatabaseError(f"{backup} is a backup of another program")
    is_newest(dump.revision, known_revisions(VERSIONS), backup)
    return dump


def is_there(url: URL) -> bool:
    """Return whether the database has our tables, also of a newer Whisker; False if it is empty.

    DatabaseError if it is another program's, or cannot be reached.
    """
    try:
        is_current(create_read_only_engine(url, BUSY_SECONDS), VERSIONS)
    except DatabaseMissing:
        return False
    except DatabaseTooNew:
        return True
    return True


def numbers_on_server(url: URL) -> Numbers:
    """Return the ids of cycles and runs; none if the database is empty."""
    if not is_there(url):
        return Numbers(frozenset(), frozenset())
    with _reading(url) as connection:
        found = (connection.exec_driver_sql(f"SELECT id FROM {table}").scalars() for table in NUMBERED)
        return Numbers(*(frozenset(int(number) for number in numbers) for numbers in found))


def put_on_server(backup: Path, url: URL, taken: Mapping[str, int]) -> None:
    """Put a backup in the place of all tables, in one transaction; new numbers begin behind those `taken`.

    The caller holds the lock of the home, and has kept what is there. DatabaseError if it cannot be done;
    then all is as it was.
    """
    with _reading(url) as connection:
        programs = programs_for(_version(connection))
        tables = [f'"{table}"' for table in count_rows(connection)]
    clear = f"DROP TABLE {', '.join(tables)} CASCADE" if tables else "SELECT 1"
    rows = read_dump(backup, programs["pg_restore"]).rows
    after = ["SET search_path TO DEFAULT", *_checks(rows), *_numbering(taken)]
    there, environment = on_database(url)
    whole = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--command={clear}")
    reader = start([programs["pg_restore"], *AS_OURS, "--file=-", backup], stdout=subprocess.PIPE)
    writer = start(
        [programs["psql"], *there, *whole, "--file=-", *(f"--command={statement}" for statement in after)],
        stdin=reader.stdout,
        env=environment,
    )
    assert reader.stdout is not None
    reader.stdout.close()  # so that the reader learns of the writer's end
    what = f"{backup} could not be put in the place of the database {in_words(url)}; nothing was changed"
    require_success(writer, what)
    require_success(reader, what)


def _checks(rows: Mapping[str, int]) -> Iterator[str]:
    """Yield a statement for each table that fails unless it has so many rows: psql takes less for all."""
    for table, number in rows.items():
        yield f'SELECT 1 / (count(*) = {number})::integer FROM "{table}"'


def _numbering(taken: Mapping[str, int]) -> Iterator[str]:
    for table, number in taken.items():
        last = f"greatest(coalesce(max(id), 1), {number})"
        yield f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last}) FROM {table}"


@contextmanager
def _reading(url: URL) -> Iterator[Connection]:
    with create_read_only_engine(url, BUSY_SECONDS).connect() as connection:
        yield connection


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
