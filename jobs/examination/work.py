"""Whether the daemon and a process at work give signs of life."""

from datetime import datetime

from jobs.config import Config
from jobs.examination.check import Check
from jobs.home import Home
from jobs.schedule import parse_interval
from jobs.status import status_of


def examine_work(home: Home, config: Config, now: datetime) -> list[Check]:
    """Return what `status` finds wrong with the daemon and with who is at work."""
    if not home.folder.is_dir():
        return []
    status = status_of(home, parse_interval(config.stuck_after), now)
    if status.daemon is None:
        return [Check("daemon", "ok", "no daemon has run in this home yet; `cli.py daemon` starts one")]
    if status.wrong:
        return [Check("daemon", "warning", sentence) for sentence in status.wrong]
    return [Check("daemon", "ok", f"the daemon is alive, process {status.daemon.known.pid}")]
