"""What a logged event looks like: one line each, as text or as JSON, with the ids of its cycle and run."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from pipeline.shown import shown

LOGGER = "whisker"
_IDS: ContextVar[Mapping[str, int]] = ContextVar("ids", default={})  # noqa: B039 - never changed, only replaced


@contextmanager
def log_ids(**ids: int) -> Iterator[None]:
    """Give every line that is logged meanwhile these ids, such as `cycle=3`, beside those around it."""
    token = _IDS.set({**_IDS.get(), **ids})
    try:
        yield
    finally:
        _IDS.reset(token)


class TerminalLine(logging.Formatter):
    """For people: the time of their clock and the message, in which nothing invisible is left.

    A traceback follows in lines of its own, indented, so that no text in it can pass for an event.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the event."""
        time = datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{time} {shown(record.getMessage())}"]
        lines += [f"    {shown(line)}" for line in _traceback(self, record).splitlines()]
        return "\n".join(lines)


class TextLine(logging.Formatter):
    """For a file: the instant in UTC, the level, the ids and the message, a traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event in one line."""
        ids = [f"{name}={number}" for name, number in _IDS.get().items()]
        text = "\n".join(part for part in (record.getMessage(), _traceback(self, record)) if part)
        return " ".join([_instant(record), record.levelname, *ids, shown(text)])


class JsonLine(logging.Formatter):
    """For programs: one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event in one line of ASCII."""
        event = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            **_IDS.get(),
            "message": record.getMessage(),
        }
        if traceback := _traceback(self, record):
            event["traceback"] = traceback
        return json.dumps(event)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    exception = formatter.formatException(record.exc_info) if record.exc_info else ""
    return exception or record.exc_text or ""


def _instant(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
