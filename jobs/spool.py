"""What a training yields while its database is away: it trains on, and all is stored in order later.

After each epoch the checkpoint has its metrics too, so that a process that ends meanwhile loses none.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from db.patience import hurried
from db.session import DATABASE_FAILS
from pipeline.errors import DatabaseUnreachable
from pipeline.train import TrainingEvent

log = logging.getLogger("whisker")

PATIENCE_SECONDS = 600.0  # for a server, once the training has come to its end
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0  # between two attempts, which become rarer


class Spool:
    """Stores events in their order; those that cannot be stored wait."""

    def __init__(
        self,
        store: Callable[[TrainingEvent], None],
        check_stop: Callable[[], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store, self._check_stop = store, check_stop
        self._monotonic, self._sleep = monotonic, sleep
        self._waiting: deque[TrainingEvent] = deque()
        self._pause, self._next = FIRST_SECONDS, -float("inf")

    def add(self, event: TrainingEvent) -> None:
        """Store an event now, or when the server is back."""
        self._waiting.append(event)
        if self._monotonic() >= self._next:
            with suppress(DatabaseUnreachable):
                self._store_all()

    def finish(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Store all that waits.

        Raises:
            DatabaseUnreachable: the server does not come back in this time.
        """
        end = self._monotonic() + patience_seconds
        while self._waiting:
            try:
                self._store_all()
            except DatabaseUnreachable:
                if self._monotonic() >= end:
                    raise
                self._sleep(FIRST_SECONDS)
                self._check_stop()

    def give_up(self) -> None:
        """Store what can be stored now: something else has ended the training."""
        with suppress(*DATABASE_FAILS):
            self._store_all()

    def _store_all(self) -> None:
        try:
            with hurried():
                while self._waiting:
                    self._store(self._waiting[0])
                    self._waiting.popleft()
        except DatabaseUnreachable as error:
            if self._pause == FIRST_SECONDS:
                log.warning("the training goes on, and what it yields is stored later: %s", error)
            self._next = self._monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_SECONDS)
            raise
        if self._pause > FIRST_SECONDS:
            log.info("the server of the database is back, and all that the training had yielded is stored")
        self._pause = FIRST_SECONDS
