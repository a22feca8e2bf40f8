"""The daemon: a scheduler that starts the same command a person would, and supervises it."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from db.session import utc_now
from jobs.config import Config
from jobs.home import Home
from jobs.home_lock import HomeLock, hold_home
from jobs.logs.file import log_file
from jobs.schedule import parse_interval
from jobs.stop import StopFlag
from jobs.supervise import run_supervised
from jobs.watching.attempts import Attempt, Limits, after, delay, is_paused, next_attempt
from jobs.watching.child_result import STOPPED, Result, result_of
from jobs.watching.daemon_database import close_records, has_finished
from jobs.watching.daemon_state import DaemonState, StateFile, load_state
from jobs.watching.look_schedule import LookSchedule
from jobs.watching.process_identity import this_process
from jobs.watching.process_tree import adopt_orphans
from jobs.watching.say_once import SayOnce
from jobs.watching.service_manager import ServiceManager
from jobs.watching.situation import digest_of_situation
from jobs.watching.stand_by import StandBy
from jobs.watching.wall_clock import WallClock
from jobs.watching.watch import Watch
from pipeline.errors import BadSettings, HomeLost, Interrupted, TakenOver, WhiskerError

log = logging.getLogger("whisker")

BEAT_SECONDS = 5.0


def run_daemon(home: Home, load: Callable[[], Config], command: Sequence[str], flag: StopFlag) -> None:
    """Look through the folder on schedule until a signal comes; the first time at once, by interval.

    Args:
        home: of the daemon; only one runs in it.
        load: reads and checks the settings, at the start and when a signal asks for it.
        command: starts one cycle if there is a reason and prints its document, such as
            `cli.py --home H --json run-now --if-changed`.
        flag: set by a signal.

    Raises:
        Interrupted: when it has ended, by the signal that ended it.
        Locked: another daemon runs in this home; on a server, this one stands by.
        HomeLost: somebody has removed the home or its lock.
        BadSettings: the settings are wrong at the start.
    """
    service = ServiceManager(os.environ, time.monotonic)
    while flag.signal_number is None:
        config = load()
        pace, stand_by = config.pace(), StandBy(flag, service, config.pace())
        with (
            hold_home(home, "daemon", "a daemon", pace=pace, nap=flag.nap_or_stop, stand_by=stand_by) as lock,
            log_file(home.daemon_log, config.logs()),
        ):
            adopt_orphans()
            daemon = Daemon(home, config, load, command, flag, lock, service)
            if stand_by.has_waited:
                daemon.take_over()
            try:
                daemon.run()
            finally:
                daemon.end()
    raise Interrupted(flag.signal_number or 0)


class Daemon:
    """A running daemon. It has one loop, in one thread; each turn of it looks after everything."""

    def __init__(
        self,
        home: Home,
        config: Config,
        load: Callable[[], Config],
        command: Sequence[str],
        flag: StopFlag,
        lock: HomeLock,
        service: ServiceManager,
    ) -> None:
        self._home, self._config, self._load, self._command = home, config, load, command
        self._flag, self._lock = flag, lock
        self._service, self._taken_over = service, False
        self._schedule = LookSchedule(config, utc_now)
        self._clock = WallClock(time.time(), time.monotonic())
        self._situation = digest_of_situation(home.settings_file)
        self._people = SayOnce(home)
        self._file, self._next_beat = StateFile(home.daemon_state_file), 0.0
        me, before = this_process(), load_state(home.daemon_state_file)
        trouble = before[0].trouble if before else None
        self._state = DaemonState(
            me.pid,
            me.start,
            me.host,
            utc_now(),
            str(self._schedule),
            None,
            "look",
            paused=False,
            trouble=trouble,
        )

    def take_over(self) -> None:
        """Begin with a look, by the settings of now: the one that has led may not have ended well."""
        log.warning("this daemon leads from now on")
        self._schedule.look_at_once()
        self._flag.reload = True

    def run(self) -> None:
        """Look when it is time, until a signal comes or another daemon has taken over."""
        log.info("the daemon looks %s", self._schedule)
        if self._state.trouble:
            log.info("before this start, a look failed: %s", self._state.trouble.reason)
        self._service.ready()
        try:
            while self._flag.signal_number is None:
                self._turn()
                if self._schedule.take_due():
                    self._look()
                    self._next_beat = 0.0
                self._flag.nap(0.5)
            log.info("stopping")
        except TakenOver as error:
            self._taken_over = True
            log.warning("%s", error)

    def end(self) -> None:
        """Give the scheduler up, and say so."""
        if not self._taken_over:
            self._service.stopping()
        self._schedule.stop()
        self._people.finish()

    def _turn(self) -> None:
        """Look after clock, settings, lock and scheduler; only then say that the daemon is alive."""
        if jump := self._clock.jump(time.time(), time.monotonic()):
            way = "forward" if jump > 0 else "back"
            log.warning(
                "the clock went %d seconds %s, or the machine slept; looks are planned anew", abs(jump), way
            )
            self._schedule.realign()
        if self._flag.take_reload():
            self._reload()
        self._lock.require()
        if not self._schedule.is_alive():
            log.error("a look is overdue, so the scheduler is replaced by a new one")
            self._schedule.restart()
        self._service.alive()
        self._beat()

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + BEAT_SECONDS
        trouble, limits = self._state.trouble, self._limits()
        attempt = next_attempt(trouble, limits, self._situation, utc_now())
        planned = self._schedule.next_look()
        if trouble and planned and attempt == "wait":
            planned = max(planned, trouble.tried_at + delay(trouble.failures, limits))
        self._state = replace(
            self._state, schedule=str(self._schedule), next_look=planned, attempt=attempt,
            paused=is_paused(trouble, limits),
        )  # fmt: skip
        self._file.beat(self._state)
        self._service.status(trouble.reason if trouble else f"looks {self._schedule}")

    def _reload(self) -> None:
        self._service.reloading()
        try:
            config = self._load()
            if Home(self._home.folder).records != self._home.records:
                raise BadSettings("database_url has changed: start the daemon anew for that")
            self._config = config
        except (WhiskerError, OSError) as error:
            log.error("the new settings are refused, the former ones stay in force: %s", error)  # noqa: TRY400
        else:
            changed = self._schedule.follow(self._config)
            log.info("the settings were read again%s", f"; it looks {self._schedule}" if changed else "")
        self._situation = digest_of_situation(self._home.settings_file)
        self._next_beat = 0.0
        self._service.ready()

    def _limits(self) -> Limits:
        return Limits(parse_interval(self._config.every), self._config.pause_after_failures)

    def _look(self) -> None:
        """Look once, as far as what has failed before allows it; whatever happens, the schedule goes on."""
        self._situation, began = digest_of_situation(self._home.settings_file), utc_now()
        before = trouble = self._state.trouble
        if trouble and has_finished(self._home, trouble.tried_at):
            log.info("a cycle that somebody else has started went well, so what failed before is forgotten")
            trouble = None
        attempt = next_attempt(trouble, self._limits(), self._situation, began)
        if attempt != "wait":
            result = self._tried(attempt, began)
            trouble = after(trouble, attempt, result, began, self._situation)
        limits = self._limits()
        if trouble and is_paused(trouble, limits) and not is_paused(before, limits):
            self._people.hear_of_a_pause(trouble, self._config.notices())
        self._state = replace(self._state, trouble=trouble)

    def _tried(self, attempt: Attempt, began: datetime) -> Result:
        command = [*self._command, *(["--new-data-only"] if attempt == "look for new data" else [])]
        try:
            result = result_of(run_supervised(command, self._each_turn()))
        except HomeLost:
            raise
        except Exception as error:  # the daemon's loop: one bad look, such as no memory, must not end it
            log.debug("a look could not be supervised", exc_info=True)
            result = Result("failed", f"a look could not be started: {error}", passes=True)
        if result.died or result.stuck:
            close_records(self._home, began, result.sentence)
        self._people.hear_of(result, began, self._config.notices())
        return result

    def _each_turn(self) -> Callable[[int], str | None]:
        watch = Watch(self._home.records, lambda: self._config.stuck_after_seconds())

        def turn(pid: int) -> str | None:
            try:
                self._turn()
            except TakenOver:  # said again once the child has ended, in its own good time
                return STOPPED
            return STOPPED if self._flag.signal_number is not None else watch.why_stuck(pid)

        return turn
