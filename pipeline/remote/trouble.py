"""What can go wrong with a store: four kinds, whatever its library raises; what passes is tried again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipeline.errors import BadImage

T = TypeVar("T")

_BUSY = frozenset((408, 425, 429, 502, 503, 504))
_WORDS = {
    400: "a request that the server refuses",
    401: "permission denied",
    403: "permission denied",
    413: "too large for the server",
}
_WITHOUT_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")
_CUT_OFF = ("ClientPayloadError", "IncompleteRead", "ResponseStreamingError", "ServerDisconnectedError")


class Trouble(Exception):
    """An operation of a store failed; the message is a phrase."""


class Vanished(Trouble):
    """There is no such object, or no such store."""


class Refused(Trouble):
    """The store answers, but does not give this; to ask again is of no use."""


class Passing(Trouble):
    """The store does not answer, or not as it should; it may later."""


class Busy(Passing):
    """The store as a whole has too much to do, whatever it is asked for."""


@dataclass(frozen=True)
class Patience:
    """How often something that may pass is tried, and how long the waits between are: each twice the last."""

    attempts: int = 6
    first_wait: float = 0.25  # seconds
    longest: float = 60.0  # seconds after which nothing is tried again, since each attempt may wait for long
    sleep: Callable[[float], None] = time.sleep

    def call(self, action: Callable[[], T]) -> T:
        """Return what the action returns.

        Raises:
            Trouble: it failed for good, or at each attempt.
        """
        end = time.monotonic() + self.longest
        for attempt in range(self.attempts):
            try:
                return action()
            except Exception as error:  # each library has its own, which `trouble_of` knows or passes on
                trouble = trouble_of(error)
                is_last = attempt + 1 == self.attempts or time.monotonic() > end
                if is_last or not isinstance(trouble, Passing):
                    raise trouble from error
            # Many wait at once: they should not all come back at once.
            self.sleep(self.first_wait * 2**attempt * random.uniform(0.5, 1))
        raise AssertionError("nothing was tried")


def trouble_of(error: Exception) -> Trouble:
    """Return what an error of a library means; one of our own or of Python's is raised on."""
    if isinstance(error, Trouble):
        return error
    if isinstance(error, BadImage):
        raise error
    if status := _status_of(error):
        return trouble_of_status(status)
    if isinstance(error, FileNotFoundError):
        return trouble_of_status(404)
    if isinstance(error, PermissionError):
        return trouble_of_status(403)
    name = type(error).__name__
    if name in _WITHOUT_CREDENTIALS:
        return Refused("no credentials were found")
    if not isinstance(error, OSError) and type(error).__module__ == "builtins":
        raise error
    if name in _CUT_OFF:
        return Passing("the server's answer was cut off")
    if isinstance(error, TimeoutError) or "Timeout" in name:
        return Passing("the server does not answer in time")
    return Passing(f"no connection: {name}")


def trouble_of_status(status: int) -> Trouble:
    """Return what a status of HTTP means."""
    if status in _BUSY:
        return Busy(f"the server answers {status}")
    if status >= 500:
        return Passing(f"the server answers {status}")
    if status in (404, 410):
        return Vanished("vanished")
    return Refused(_WORDS.get(status, f"the server answers {status}"))


def _status_of(error: Exception) -> int:
    """Return the status of HTTP that a library's error tells of; 0 for none."""
    answer = getattr(error.__cause__ or error, "response", None)
    if isinstance(answer, dict):  # botocore's, from which s3fs makes one of Python's
        return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    for name in ("status", "code", "status_code"):  # aiohttp, gcsfs, azure
        if isinstance(status := getattr(error, name, None), int) and status >= 300:
            return status
    return 0
