"""What is logged, in a file of the home that is rotated."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from jobs.config import LogSettings
from jobs.logs.lines import LOGGER, JsonLine, TextLine
from pipeline.errors import Interrupted, WhiskerError


@contextmanager
def log_file(file: Path, settings: LogSettings) -> Iterator[None]:
    """Write what is logged meanwhile to a file too, and at last the error that ends it.

    Only who holds a lock may call this: two processes would put the same file aside at once.
    """
    handler = LogFile(file, settings)
    root, logger = logging.getLogger(), logging.getLogger(LOGGER)
    before = logger.level
    root.addHandler(handler)
    logger.setLevel(min(handler.level, logger.getEffectiveLevel()))
    try:
        yield
    except BaseException as error:
        handler.handle(_ending(error))
        raise
    finally:
        root.removeHandler(handler)
        logger.setLevel(before)
        handler.close()


class LogFile(RotatingFileHandler):
    """A log file that only its owner reads. What cannot be written is said once, and then let go."""

    def __init__(self, file: Path, settings: LogSettings) -> None:
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(
            file, maxBytes=settings.max_bytes, backupCount=settings.keep, encoding="utf-8", delay=True
        )
        self.setFormatter(JsonLine() if settings.format == "json" else TextLine())
        self.setLevel(settings.level.upper())
        self._failed = False

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors="backslashreplace")

    def doRollover(self) -> None:  # noqa: N802 - the name of the base class
        """Put the file aside; where that fails, go on with the same one."""
        try:
            super().doRollover()
        except OSError as error:
            self._say(error)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the base class
        """Say once that the log is not kept."""
        self._say(sys.exc_info()[1])

    def close(self) -> None:
        """Close the file; what it still holds may be lost."""
        try:
            super().close()
        except OSError as error:
            self._say(error)

    def _say(self, error: BaseException | None) -> None:
        if not self._failed:
            self._failed = True
            with contextlib.suppress(OSError, ValueError):  # standard error may be closed
                print(f"whisker: the log {self.baseFilename} cannot be kept: {error}", file=sys.stderr)


def _ending(error: BaseException) -> logging.LogRecord:
    """Return the event of an error, with a traceback if it is one that nobody expects."""
    level = logging.WARNING if isinstance(error, Interrupted | KeyboardInterrupt) else logging.ERROR
    known = isinstance(error, WhiskerError | KeyboardInterrupt)
    exc_info = None if known else (type(error), error, error.__traceback__)
    message = f"ends with {type(error).__name__}: {error}"
    return logging.LogRecord(LOGGER, level, __file__, 0, "%s", (message,), exc_info)
