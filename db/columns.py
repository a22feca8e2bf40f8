"""Column types for values that a database cannot keep as they are."""

import os
import struct
from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored and given back in UTC. SQLite forgets time zones, so naive is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; ValueError for a datetime without a time zone."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"an instant needs a time zone, but {value!r} has none")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class FolderPath(TypeDecorator[str]):
    """A path as Python text. Stored as bytes, because a path need not be UTF-8 and SQLite's text must."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Return the bytes that the operating system uses."""
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Return the text that Python uses."""
        return None if value is None else os.fsdecode(value)


class Sentence(TypeDecorator[str]):
    """Text for people, which may quote anything.

    Odd bytes of a path that is not UTF-8 are stored as backslash escapes, and so are zeros, which no text of
    PostgreSQL may have.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape what cannot be encoded, so that the message of a failure is never itself a failure."""
        if value is None:
            return None
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


class Signed64(TypeDecorator[int]):
    """An integer of 64 bits. Databases have signed ones only, so the upper half is stored as negative.

    Times after 2262 in nanoseconds come back changed: their files are looked at again in each scan.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Fold into the signed range."""
        return None if value is None else (value + 2**63) % 2**64 - 2**63


class Unsigned64(Signed64):
    """As `Signed64`, for numbers that are never negative (inodes of network file systems use all 64 bits)."""

    cache_ok = True

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        """Unfold."""
        return None if value is None else value % 2**64


class Probabilities(TypeDecorator[tuple[float, ...]]):
    """One float64 per class, little-endian; exact, and a fifth of the room of JSON."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: tuple[float, ...] | None, dialect: Dialect) -> bytes | None:
        """Pack."""
        return None if value is None else struct.pack(f"<{len(value)}d", *value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> tuple[float, ...] | None:
        """Unpack."""
        return None if value is None else struct.unpack(f"<{len(value) // 8}d", value)
