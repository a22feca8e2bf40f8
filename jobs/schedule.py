"""When the daemon looks: every so often, or by a cron expression in UTC."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pipeline.errors import BadSettings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")  # cron's numbers 0 to 7


def parse_interval(text: str) -> timedelta:
    """Return the interval that `90s`, `10m`, `6h` or `1d` means; a bare number is seconds.

    Raises:
        BadSettings: it is not of this form, or is under a second, which APScheduler would turn into one
            second without a word.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    if match is None:
        raise BadSettings(f"the interval {text!r} is not a number with s, m, h or d, such as 10m")
    seconds = float(match[1]) * _UNITS[match[2] or "s"]
    if not 1 <= seconds <= 366 * 86_400:
        raise BadSettings(f"the interval {text!r} is not between one second and a year")
    return timedelta(seconds=seconds)


def parse_cron(text: str) -> Any:
    """Return APScheduler's trigger for a five-field cron expression, in UTC.

    Weekday numbers mean what they mean in cron (0 and 7 are Sunday); APScheduler's own reading would fire
    a day later. UTC has no hour that comes twice or never.

    Raises:
        BadSettings: it is no cron expression, or never fires.
    """
    from apscheduler.triggers.cron import CronTrigger

    try:
        minute, hour, day, month, weekday = text.split()
        weekday = re.sub(r"(?<![/\d])[0-7](?!\d)", lambda m: _WEEKDAYS[int(m[0])], weekday)
        trigger = CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=UTC
        )
    except ValueError as error:
        raise BadSettings(
            f"the cron expression {text!r} is not understood ({error}); five fields are needed: "
            'minute hour day month weekday, such as "0 3 * * *"'
        ) from error
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise BadSettings(f"the cron expression {text!r} never fires")
    return trigger


def parse_quiet_hours(text: str) -> tuple[time, time]:
    """Return the beginning and the end that `22:00-06:00` means; the end may be on the next day.

    Raises:
        BadSettings: it is not of this form.
    """
    try:
        begin, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError as error:
        raise BadSettings(f"quiet_hours = {text!r} is not of the form 22:00-06:00") from error
    return begin, end


def is_quiet(text: str, now: datetime) -> bool:
    """Return whether an aware instant lies in the quiet hours, by the clock of this machine."""
    begin, end = parse_quiet_hours(text)
    clock = now.astimezone().time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


def interval_trigger(every: timedelta) -> Any:
    """Return APScheduler's trigger that fires every so often."""
    from apscheduler.triggers.interval import IntervalTrigger

    return IntervalTrigger(seconds=int(every.total_seconds()), timezone=UTC)
