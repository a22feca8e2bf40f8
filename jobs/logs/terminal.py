"""What is logged, on standard error."""

import contextlib
import logging
import sys
import traceback

from jobs.logs.lines import LOGGER, JsonLine, TerminalLine
from pipeline.shown import shown


class TerminalLog(logging.Handler):
    """Writes to what is standard error at the time, so that lines pass above a progress bar."""

    def __init__(self) -> None:
        super().__init__()
        self.as_json = False
        self.setFormatter(TerminalLine())

    def follow(self, level: int, *, as_json: bool) -> None:
        """Show Whisker's messages from `level` on, and everybody's warnings."""
        self.as_json = as_json
        self.setFormatter(JsonLine() if as_json else TerminalLine())
        self.setLevel(level)
        logging.getLogger(LOGGER).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # as in the standard library's handlers: what is logged must not end the work
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the base class
        """Let go of what cannot be written: the terminal is closed, or the disk behind it full."""

    def say_failure(self, message: str, *, with_traceback: bool) -> None:
        """Write why the program ends, from within the handling of the error; each line stays one."""
        if self.as_json:
            logging.getLogger(LOGGER).error("%s", message, exc_info=with_traceback)
            return
        lines = [f"    {line}" for line in traceback.format_exc().splitlines()] if with_traceback else []
        lines += [f"whisker: {line}" for line in message.split("\n")]
        with contextlib.suppress(OSError, ValueError):  # closed; the exit status still tells
            print("\n".join(map(shown, lines)), file=sys.stderr, flush=True)


def log_to_stderr() -> TerminalLog:
    """Send what is logged to standard error; return what decides on its level and form."""
    terminal = TerminalLog()
    logging.basicConfig(level=logging.WARNING, handlers=[terminal])
    return terminal
