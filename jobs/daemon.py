"""The daemon: a scheduler that starts the same command a person would, and supervises it."""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.blocking import BlockingScheduler

from jobs.config import Config
from jobs.home import Home
from jobs.lock import hold
from jobs.log_file import log_file
from jobs.schedule import interval_trigger, parse_cron, parse_interval
from jobs.stop import StopFlag
from jobs.supervise import run_supervised
from pipeline.errors import Interrupted, Locked

log = logging.getLogger("whisker")


def run_daemon(home: Home, config: Config, command: Sequence[str], flag: StopFlag) -> None:
    """Look through the folder on schedule until a signal comes; the first time at once, by interval.

    Args:
        home: of the daemon; only one runs in it.
        config: `every` and `cron` are used.
        command: starts one cycle if there is a reason, such as `cli.py --home H run-now --if-changed`.
        flag: set by a signal.

    Raises:
        Interrupted: when it has ended, by the signal that ended it.
        Locked: another daemon runs in this home.
    """
    with hold(home.daemon_lock_file, "a daemon"), log_file(home.daemon_log, config.logs()):
        scheduler = _scheduler(config, lambda: tick(command, flag))
        # A thread and no job of the scheduler, so that a clock that jumps back cannot delay the end.
        threading.Thread(target=_end_when_asked, args=(scheduler, flag), daemon=True).start()
        log.info(
            "the daemon looks %s", f"by cron, {config.cron} UTC" if config.cron else f"every {config.every}"
        )
        scheduler.start()
        raise Interrupted(flag.signal_number or 0)


def tick(command: Sequence[str], flag: StopFlag) -> None:
    """Start one look in a process of its own and wait for it; whatever happens, the schedule goes on."""
    try:
        end = run_supervised(command, lambda pid: "it was asked to stop" if flag.signal_number else None)
    except Exception:  # the daemon's loop: one bad tick, such as no memory for a process, must not end it
        log.exception("a look could not be started; the next one comes as planned")
        return
    status = -9 if end.status is None else end.status
    if status == Locked.exit_status:
        log.info("another process is at work in this home; the next look comes as planned")
    elif status < 0 and flag.signal_number is None:
        log.error("the cycle was ended by signal %d; the next look comes as planned", -status)
    elif status and flag.signal_number is None:
        log.error("the cycle failed with exit status %d, see above; the next look comes as planned", status)


def _scheduler(config: Config, job: Any) -> BlockingScheduler:
    """Return a scheduler with one job, kept in memory: a job store in SQLite can stop it without a word."""
    scheduler = BlockingScheduler(timezone=UTC)
    # It warns of each tick that it leaves out while a cycle runs, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    options: dict[str, Any] = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    if config.cron:
        scheduler.add_job(job, parse_cron(config.cron), **options)
    else:
        trigger = interval_trigger(parse_interval(config.every))
        scheduler.add_job(job, trigger, next_run_time=datetime.now(UTC), **options)
    return scheduler


def _end_when_asked(scheduler: BlockingScheduler, flag: StopFlag) -> None:
    while flag.signal_number is None:
        time.sleep(0.2)
    log.info("stopping")
    scheduler.shutdown(wait=True)
