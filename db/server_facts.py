"""What a PostgreSQL server says of itself, for `doctor`."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import URL

from db.engine import create_read_only_engine
from db.place import in_words
from db.postgres_schema import read_revision

LEAST_VERSION = 14  # which first ends a session that says nothing for too long
BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class ServerFacts:
    """One look at a server."""

    version: str
    is_new_enough: bool
    encoding: str  # of the database
    is_encrypted: bool  # the connection
    ahead_seconds: float  # how far its clock is ahead of ours
    revision: str | None  # of our tables; None where there are none


def server_facts(url: URL) -> ServerFacts:
    """Ask a server; DatabaseError if it cannot be reached, or the database is another program's."""
    with create_read_only_engine(url, BUSY_SECONDS).connect() as connection:
        asked = datetime.now(UTC)
        version, number, encoding, encrypted, clock = connection.exec_driver_sql(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::integer,"
            " current_setting('server_encoding'), coalesce((SELECT ssl FROM pg_stat_ssl"
            " WHERE pid = pg_backend_pid()), false), clock_timestamp()"
        ).one()
        between = asked + (datetime.now(UTC) - asked) / 2
        return ServerFacts(
            version=version,
            is_new_enough=number >= LEAST_VERSION * 10_000,
            encoding=encoding,
            is_encrypted=encrypted,
            ahead_seconds=(clock - between).total_seconds(),
            revision=read_revision(connection, in_words(url)),
        )
