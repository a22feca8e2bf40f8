"""A daemon that waits for its turn to lead, since another one leads on another host."""

import logging

from jobs.durations import in_words
from jobs.pace import Pace
from jobs.stop import StopFlag
from jobs.watching.service_manager import ServiceManager

log = logging.getLogger("whisker")


class StandBy:
    """What a waiting daemon does at each of its looks at the lock; the same is said once."""

    def __init__(self, flag: StopFlag, service: ServiceManager, pace: Pace) -> None:
        self._flag, self._service = flag, service
        self._within = in_words(pace.take_over_seconds)
        self._said = ""

    def __call__(self, why: str) -> None:
        """Say why we wait, and that we are alive."""
        self._flag.take_reload()  # the settings are read when it leads
        self._service.ready()
        self._service.alive()
        self._service.status(f"stands by: {why}")
        if why != self._said:
            self._said = why
            log.info("this daemon stands by, and leads within %s once no other does: %s", self._within, why)

    @property
    def has_waited(self) -> bool:
        """Whether another one led."""
        return bool(self._said)
