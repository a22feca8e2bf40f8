"""Tell people, and other programs, what happened: by a webhook, and by apprise.

`notify` is all that others need. It is called after the record of what happened is stored, takes a bounded
time and raises nothing: that somebody could not be told is a line in the log. A cycle that has a record tells
of its own end; who watches cycles tells of those that could not: ended from outside, stuck, failed before it.
"""

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobs.config import NoticeSettings
from jobs.notices.apprise_notices import tell
from jobs.notices.notice import Notice, document_of, text_of, title_of
from jobs.notices.webhook import post
from jobs.redaction import without_secrets
from jobs.settings.checks import addresses

log = logging.getLogger("whisker")

MOST_SECONDS = 60.0  # for all receivers together
SECRET_VARIABLE = "WHISKER_WEBHOOK_SECRET"

Sleep = Callable[[float], None]
Told = tuple[int, str | None]  # attempts; the error without secrets, None if there was none


@dataclass(frozen=True)
class Delivery:
    """What came of telling one receiver."""

    receiver: str  # without secrets
    attempts: int
    error: str | None  # None: it was told


def notify(settings: NoticeSettings, notice: Notice, *, sleep: Sleep = time.sleep) -> None:
    """Tell everybody who wants to know of this; say in the log who could not be told."""
    event = next((event for event in notice.events if event in settings.events), None)
    try:
        deliveries = deliver(settings, event, notice, sleep=sleep) if event else []
    except (
        RuntimeError,
        MemoryError,
    ) as error:  # there is no memory for a thread, which may be why it failed
        log.warning("nobody could be told %r: %s", event, error)
        return
    for delivery in deliveries:
        if delivery.error:
            log.warning("%s could not be told %r: %s", delivery.receiver, event, delivery.error)


def deliver(
    settings: NoticeSettings,
    event: str,
    notice: Notice,
    *,
    sleep: Sleep = time.sleep,
    most_seconds: float = MOST_SECONDS,
    environment: Mapping[str, str] = os.environ,
) -> list[Delivery]:
    """Tell each receiver of an event; return what came of it.

    Threads of their own do it, which are left behind if they take too long: no time-out of a socket bounds
    what a name server takes, or a server that answers a byte at a time.
    """
    channels = [
        _webhook(settings, event, notice, sleep, environment),
        _apprise(settings, event, notice, sleep),
    ]
    told: dict[str, Told] = {}
    threads = [
        threading.Thread(target=_tell_all, args=(channel, told), daemon=True)
        for channel in channels
        if channel
    ]
    end = time.monotonic() + most_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = (0, f"it did not answer within {most_seconds:g} seconds")
    return [Delivery(name, *told.get(name, late)) for channel in channels for name in channel]


def _tell_all(channel: Mapping[str, Callable[[], Told]], told: dict[str, Told]) -> None:
    for name, send in channel.items():
        told[name] = send()


def _webhook(
    settings: NoticeSettings, event: str, notice: Notice, sleep: Sleep, environment: Mapping[str, str]
) -> dict[str, Callable[[], Told]]:
    if not settings.webhook:
        return {}

    def send() -> Told:
        identity = uuid.uuid4().hex
        body = json.dumps(document_of(event, notice, identity)).encode()
        try:
            secret = _secret(settings, environment)
        except OSError as error:
            return 0, f"the file webhook_secret_file cannot be read: {error.strerror}"
        posted = post(settings.webhook, body, identity=identity, secret=secret, sleep=sleep)
        return posted.attempts, posted.error

    return {f"the webhook {without_secrets(settings.webhook)}": send}


def _secret(settings: NoticeSettings, environment: Mapping[str, str]) -> bytes:
    """Return what signs; the environment wins, as everywhere. The file's last line end is no part of it."""
    if given := environment.get(SECRET_VARIABLE):
        return os.fsencode(given)
    file = settings.webhook_secret_file
    return file.read_bytes().rstrip(b"\r\n") if file else b""


def _apprise(
    settings: NoticeSettings, event: str, notice: Notice, sleep: Sleep
) -> dict[str, Callable[[], Told]]:
    try:
        known = [*settings.apprise, *_listed(settings)]
    except (OSError, ValueError) as error:
        reason = f"the file apprise_file {error.strerror if isinstance(error, OSError) else error}"
        return {"apprise": lambda: (0, reason)}
    title, body = title_of(event), text_of(notice)

    def sending(address: str) -> Callable[[], Told]:
        return lambda: tell(address, title, body, sleep=sleep)

    return {
        f"apprise {number} ({without_secrets(address)})": sending(address)
        for number, address in enumerate(known, 1)
    }


def _listed(settings: NoticeSettings) -> list[str]:
    """Return the addresses of the file; empty lines and those that start with # are none."""
    if settings.apprise_file is None:
        return []
    lines = [line.strip() for line in settings.apprise_file.read_text(encoding="utf-8").splitlines()]
    listed = [line for line in lines if line and not line.startswith("#")]
    addresses(tuple(listed))
    return listed
