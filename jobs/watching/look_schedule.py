"""When looks are due: APScheduler with one job, which does no more than say so."""

import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler

from jobs.config import Config
from jobs.schedule import interval_trigger, parse_cron, parse_interval

OVERDUE_SECONDS = 60.0


class LookSchedule:
    """Looks by interval, the first one at once, or by a cron expression in UTC.

    The job is kept in memory: a job store in SQLite that meets a locked database stops the scheduler without
    a word. Whether the scheduler still works is seen by a look that is overdue.
    """

    def __init__(self, config: Config, now: Callable[[], datetime]) -> None:
        self._now = now
        self._every, self._cron = config.every, config.cron
        self._is_due = False
        self._scheduler: Any = None
        self._begin(at_once=True)

    def __str__(self) -> str:
        return f"by cron, {self._cron} UTC" if self._cron else f"every {self._every}"

    def take_due(self) -> bool:
        """Return whether a look is due, and take that as done. Looks missed in the meantime are one."""
        due, self._is_due = self._is_due, False
        return due

    def look_at_once(self) -> None:
        """Take a look for due."""
        self._is_due = True

    def next_look(self) -> datetime | None:
        """Return when the next look is due."""
        job = self._scheduler.get_job("look")
        moment: datetime | None = job.next_run_time if job else None
        return moment

    def follow(self, config: Config) -> bool:
        """Take over a changed interval or expression; return whether it has changed."""
        if (config.every, config.cron) == (self._every, self._cron):
            return False
        self._every, self._cron = config.every, config.cron
        self._plan(at_once=False)
        return True

    def realign(self) -> None:
        """Plan anew after the wall clock has jumped. What a jump forward has left out is done once, now."""
        planned = self.next_look()
        if self._cron and planned is not None and planned <= self._now():
            self._is_due = True
        self._plan(at_once=not self._cron)

    def is_alive(self) -> bool:
        """Return whether the scheduler still works; one that does not is replaced by `restart`."""
        planned = self.next_look()
        return planned is not None and (self._now() - planned).total_seconds() < OVERDUE_SECONDS

    def restart(self) -> None:
        """Take a new scheduler; the look that the old one has left out is due at once."""
        self.stop()
        self._is_due = True
        self._begin(at_once=False)

    def stop(self) -> None:
        """End the scheduler's thread."""
        with contextlib.suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=False)

    def _begin(self, *, at_once: bool) -> None:
        # It warns of each look that it leaves out, which is as it should be.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._plan(at_once=at_once and not self._cron)
        self._scheduler.start()

    def _plan(self, *, at_once: bool) -> None:
        trigger = parse_cron(self._cron) if self._cron else interval_trigger(parse_interval(self._every))
        first = {"next_run_time": self._now()} if at_once else {}
        self._scheduler.add_job(
            self._say_due, trigger, id="look", replace_existing=True,
            coalesce=True, max_instances=1, misfire_grace_time=None, **first,
        )  # fmt: skip

    def _say_due(self) -> None:
        self._is_due = True
