"""What the daemon says of looks, in its log and to those who want to be told. The same is said once."""

import logging
import threading
import time
from datetime import UTC, datetime

from jobs.config import NoticeSettings
from jobs.home import Home
from jobs.notices.notice import Notice
from jobs.notices.send import notify
from jobs.watching.attempts import Trouble
from jobs.watching.child_result import Result
from jobs.watching.daemon_database import has_failed

log = logging.getLogger("whisker")

PATIENCE_SECONDS = 5.0  # for notices under way when the daemon ends


class SayOnce:
    """Remembers what has been said until a look succeeds."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._said = ""
        self._threads: list[threading.Thread] = []

    def hear_of(self, result: Result, began: datetime, notices: NoticeSettings) -> None:
        """Say what a person has to know of a look that began then."""
        if result.kind == "busy":
            log.info("another process is at work in this home; the next look comes as planned")
        elif result.kind == "done":
            self._said = ""
        elif result.kind == "failed" and result.sentence != self._said:
            self._said = result.sentence
            log.error("the look failed: %s", result.sentence)
            for line in result.last_lines:
                log.warning("the process had said: %s", line)
            if result.died or result.stuck or not has_failed(self._home, began):
                self._notify("stuck" if result.stuck else "failed", result.sentence, notices)

    def hear_of_a_pause(self, trouble: Trouble, notices: NoticeSettings) -> None:
        """Say that no training starts any more by itself."""
        sentence = (
            f"{trouble.failures} looks in a row have failed, so no training starts by itself on the same"
            " images; the daemon goes on looking, and trains again on new images, with other settings, after"
            " a day, or once `run-now` succeeds"
        )
        log.error("%s", sentence)
        self._notify("failed", f"{sentence}; the last failure: {trouble.reason}", notices)

    def finish(self) -> None:
        """Let notices that are under way arrive, for a moment."""
        end = time.monotonic() + PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _notify(self, event: str, reason: str, notices: NoticeSettings) -> None:
        """Tell people, in a thread: a receiver that does not answer must not hold the daemon up."""
        notice = Notice((event,), self._home.folder, datetime.now(UTC), reason)
        thread = threading.Thread(target=notify, args=(notices, notice), daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:  # no memory for a thread; the daemon goes on without
            log.warning("nobody could be told %r: %s", event, error)
            return
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
