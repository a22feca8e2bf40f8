"""Post a document to a web address: signed, tried again where that may help, and never anywhere else.

The signature is what others use (GitHub, Stripe, Slack): HMAC-SHA256 with a shared secret over the time and
the body, so that a receiver can refuse what is forged and what is sent again later.
"""

import hashlib
import hmac
import http.client
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.error import URLError

TIMEOUT_SECONDS = 5.0  # of each step of a request
WAITS_SECONDS = (1.0, 2.0, 4.0)  # before the second attempt, the third, the fourth
LONGEST_WAIT_SECONDS = 10.0  # whatever the receiver asks for
_MAY_PASS = frozenset({408, 425, 429})  # and all from 500 on


@dataclass(frozen=True)
class Posted:
    """What came of it."""

    attempts: int
    error: str | None  # None: the receiver has taken it; else a sentence without the address


@dataclass(frozen=True)
class _Answer:
    error: str | None
    may_pass: bool = False
    wait_seconds: float = 0.0  # that the receiver asks for


def post(
    address: str,
    body: bytes,
    *,
    identity: str,
    secret: bytes,
    sleep: Callable[[float], None],
    clock: Callable[[], float] = time.time,
) -> Posted:
    """Post a JSON document until it is taken, or cannot be, or was tried often enough.

    Args:
        address: http or https; a redirection is an error, for it could lead anywhere.
        body: the document.
        identity: the same in each attempt, so that the receiver can tell a second copy.
        secret: signs it; empty: it is not signed.
        sleep: waits so many seconds between two attempts.
        clock: the time of each attempt, seconds since 1970.
    """
    opener = _opener()
    for attempt, wait in enumerate((*WAITS_SECONDS, None), 1):
        answer = _answer(opener, _request(address, body, identity, secret, int(clock())), clock)
        if answer.error is None or not answer.may_pass or wait is None:
            return Posted(attempt, answer.error)
        sleep(min(max(wait, answer.wait_seconds), LONGEST_WAIT_SECONDS))
    raise AssertionError("the last attempt returns")


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the value of X-Whisker-Signature: over the timestamp, a full stop, and the body."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _request(
    address: str, body: bytes, identity: str, secret: bytes, timestamp: int
) -> urllib.request.Request:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Whisker",
        "X-Whisker-Id": identity,
        "X-Whisker-Timestamp": str(timestamp),
    }
    if secret:
        headers["X-Whisker-Signature"] = signature(secret, str(timestamp), body)
    return urllib.request.Request(address, data=body, headers=headers, method="POST")


def _opener() -> urllib.request.OpenerDirector:
    """Return what knows http and https alone, the proxies of the environment, and follows no redirection."""
    opener = urllib.request.OpenerDirector()
    context = ssl.create_default_context()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
    ):
        opener.add_handler(handler)
    return opener


def _answer(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request, clock: Callable[[], float]
) -> _Answer:
    """Send it once. The receiver's words are not repeated: they are a stranger's, and may hold secrets."""
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            status, headers = response.status, response.headers
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _unanswered(error.reason if isinstance(error, URLError) else error)
    if 200 <= status < 300:
        return _Answer(None)
    if 300 <= status < 400:
        return _Answer(f"it answers with a redirection ({status}); set the address that it leads to")
    may_pass = status in _MAY_PASS or status >= 500
    return _Answer(f"it answers with status {status}", may_pass, _asked_wait(headers, clock()))


def _unanswered(reason: object) -> _Answer:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _Answer("its certificate cannot be verified")
    if isinstance(reason, TimeoutError):
        return _Answer(f"it did not answer within {TIMEOUT_SECONDS:.0f} seconds", may_pass=True)
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
    return _Answer(f"it cannot be reached: {words}", may_pass=not isinstance(reason, ValueError))


def _asked_wait(headers: http.client.HTTPMessage, now: float) -> float:
    """Return the seconds that Retry-After asks for, as a number or a date; 0 if it says nothing sensible."""
    text = headers.get("Retry-After", "")
    try:
        return float(text) if text.strip().isdecimal() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
