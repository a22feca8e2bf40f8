"""Tell by apprise, which knows e-mail and a hundred services; an optional package, imported only if used."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobs.redaction import hide
from pipeline.shown import shown

WAIT_SECONDS = 2.0  # before the second and last attempt
MISSING = "the package apprise is not installed; run `pip install 'whisker[notify]'`"


def tell(address: str, title: str, body: str, *, sleep: Callable[[float], None]) -> tuple[int, str | None]:
    """Send a message to one address of apprise's kind; only one thread at a time may do so.

    Returns:
        How often it was tried, and why it was not delivered, without the address; None if it was.
    """
    for attempt in (1, 2):
        with _heard() as words:
            error = _sent(address, title, body)
        if error is None or error == MISSING:
            return attempt, error
        if attempt == 1:
            sleep(WAIT_SECONDS)
    return attempt, shown(hide("; ".join(words), [address])) or error


def _sent(address: str, title: str, body: str) -> str | None:
    """Send it once; return why that failed, None if it did not."""
    try:
        import apprise
    except ImportError:
        return MISSING
    try:
        service = apprise.Apprise.instantiate(address, asset=apprise.AppriseAsset(async_mode=False))
        if service is None:
            return "apprise does not know this address"
        return None if service.notify(title=title, body=body) else "the service did not take it"
    except Exception as error:  # of any of a hundred strangers' plugins; its words may hold the address
        return f"apprise failed with {type(error).__name__}"


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect the warnings of apprise, so that no address in them comes into our log."""
    logger, words = logging.getLogger("apprise"), _Words()
    logger.addHandler(words)
    before, logger.propagate = logger.propagate, False
    try:
        yield words.messages
    finally:
        logger.propagate = before
        logger.removeHandler(words)


class _Words(logging.Handler):
    """Keeps warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.messages.append(record.getMessage())
