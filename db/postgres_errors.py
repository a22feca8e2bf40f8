"""What a PostgreSQL server or the way to it fails by, in sentences that say how to mend it."""

from typing import Any

from pipeline.errors import (
    BadSettings,
    DatabaseBusy,
    DatabaseError,
    DatabaseUnreachable,
    DiskFull,
    WhiskerError,
)

_Sentences = dict[str, tuple[type[WhiskerError], str]]


def as_ours(error: Any, name: str, busy_seconds: float) -> WhiskerError | None:
    """Return the error to raise for one of the driver that a user can mend; None if it is our own bug.

    The driver has no code for what fails before there is a connection, or when it is lost.
    """
    from psycopg import OperationalError, ProgrammingError

    code = getattr(error, "sqlstate", None)
    facts = {"name": name, "busy": busy_seconds, "reason": _reason(error)}
    if code is not None:
        beginnings = (code, code[:3], code[:2])
        found = next((_BY_CODE[part] for part in beginnings if part in _BY_CODE), None)
    elif isinstance(error, OperationalError):
        phrases = (phrase for phrase in _BY_PHRASE if phrase in str(error))
        found = _BY_PHRASE.get(next(phrases, ""), _UNREACHABLE)
    elif isinstance(error, ProgrammingError) and "connect" in str(error):
        found = _WRONG_OPTION
    else:
        found = None
    return None if found is None else found[0](found[1].format(**facts))


def _reason(error: Exception) -> str:
    """Return the last thing that the server or the driver says, in one line."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return lines[0].rpartition("FATAL:")[2].strip() if lines else type(error).__name__


_WRONG_OPTION = (
    BadSettings,
    "database_url cannot be used ({reason}): correct what stands behind `?` in it",
)
_UNREACHABLE = (
    DatabaseUnreachable,
    "the database {name} cannot be reached ({reason}): check that its server runs, and the network",
)
_REFUSED = (
    DatabaseError,
    "the database {name} does not take the user and password of database_url ({reason}): correct them",
)
_NO_ROOM = (
    DatabaseBusy,
    "the server of the database {name} lacks room for us ({reason}): raise its limits, or try again",
)
_BUSY = (
    DatabaseBusy,
    "the database {name} was busy for {busy:g} seconds ({reason}): another program holds it;"
    " close that program or try again",
)
_BROKEN_OFF = (
    DatabaseBusy,
    "the server of the database {name} broke off what we were doing ({reason}): try again",
)
_DAMAGED = (
    DatabaseError,
    "the server of the database {name} reports damage ({reason}): check its disk and its log",
)
_BY_PHRASE: _Sentences = {  # the first that fits counts
    "too many": _NO_ROOM,
    "remaining connection slots": _NO_ROOM,
    ' value: "': _WRONG_OPTION,
    "configuration parameter": _WRONG_OPTION,
    "value for parameter": _WRONG_OPTION,
    "authentication failed": _REFUSED,
    "no password supplied": _REFUSED,
    "pg_hba.conf": _REFUSED,
    'role "': _REFUSED,
    'database "': (
        DatabaseError,
        "the database {name} is not there ({reason}): make it with `createdb`, or correct database_url",
    ),
}
_BY_CODE: _Sentences = {  # SQLSTATE, or how it begins
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,
    "25P03": _UNREACHABLE,
    "40001": _BROKEN_OFF,
    "40P01": _BROKEN_OFF,
    "55P03": _BUSY,
    "57014": _BROKEN_OFF,
    "53": _NO_ROOM,
    "53100": (
        DiskFull,
        "the disk of the database {name} is full: free some space on its server and run the command again",
    ),
    "42501": (
        DatabaseError,
        "the database {name} does not let our user do what it must ({reason}): make it the owner",
    ),
    "25006": (
        DatabaseError,
        "the database {name} cannot be written ({reason}): name a server that takes writes",
    ),
    "3F000": (
        DatabaseError,
        "the database {name} has no schema for us ({reason}): make it with `CREATE SCHEMA`",
    ),
    "58": _DAMAGED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
