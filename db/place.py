"""Where the records of a home lie: a SQLite file or a PostgreSQL server."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.errors import BadSettings

FORMS = "write postgresql://USER@HOST/DATABASE, or sqlite:///PATH"
DRIVER = "postgresql+psycopg"
_SERVERS = ("postgresql", "postgres", DRIVER)

Place = Path | URL


def place_of(where: str | Place) -> Place:
    """Return the path of a SQLite file or the URL of a server.

    BadSettings if a text is neither; the message does not repeat it, for a password may stand in it.
    """
    if isinstance(where, Path | URL):
        return where
    if "://" not in where:
        return Path(where)
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):  # a port that is no number
        raise BadSettings(f"database_url cannot be read; {FORMS}") from None
    if url.drivername in _SERVERS:
        return _of_server(url)
    if url.get_backend_name() != "sqlite":
        raise BadSettings(f"database_url names a database of the kind {url.drivername}; {FORMS}")
    if url.database in (None, "", ":memory:"):
        raise BadSettings("database_url must name a file: sqlite:///PATH")
    return Path(str(url.database))


def place_of_address(text: str) -> Place:
    """Return the place that a setting names; a bare path would rather be a slip in an address.

    BadSettings as for `place_of`.
    """
    if "://" not in text:
        raise BadSettings(f"database_url is no address; {FORMS}")
    return place_of(text)


def _of_server(url: URL) -> URL:
    if not url.database:
        raise BadSettings(f"database_url names no database; {FORMS}")
    if "password" in url.query:
        raise BadSettings("database_url has a password behind `?`, where it would be shown; use ~/.pgpass")
    return url.set(drivername=DRIVER)


def in_words(where: Place) -> str:
    """Return a place as it may be shown and logged: without the password, and what else stands behind `?`."""
    if isinstance(where, Path):
        return str(where)
    return where.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
