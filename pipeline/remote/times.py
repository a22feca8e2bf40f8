"""Instants as the libraries of stores give them."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def nanoseconds(told: object) -> int:
    """Return an instant in nanoseconds since 1970; 0 where none is told, or in a form that nobody knows."""
    if isinstance(told, int | float):
        return int(told * 10**9)
    instant = told if isinstance(told, datetime) else _parsed(told) if isinstance(told, str) else None
    if instant is None:
        return 0
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def _parsed(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except ValueError:
            continue
    return None
