"""Examine an installation: what is there, which devices work, what is wrong and how to mend it.

Nothing is changed, and whatever may crash or hang (MXNet, CUDA, the driver) is tried in child processes.
"""

from datetime import UTC, datetime
from pathlib import Path

from jobs.config import Config
from jobs.examination.check import Check
from jobs.examination.devices import examine_devices
from jobs.examination.home import examine_database, examine_home, examine_images
from jobs.examination.machine import clock_check, clock_state, examine_permissions
from jobs.examination.records import examine_records, weights_check
from jobs.examination.server import examine_server
from jobs.examination.software import examine_software
from jobs.examination.work import examine_work
from jobs.home import Home
from pipeline.errors import BadSettings

__all__ = ["Check", "examine"]

DEFAULTS = Config()


def examine(folder: Path, config: Config = DEFAULTS, *, settings_problem: str | None = None) -> list[Check]:
    """Return all checks in the order in which they are best mended: software, devices, then the data.

    Args:
        folder: the home, which need not exist.
        config: its settings, the defaults where they cannot be read.
        settings_problem: why they cannot be read.
    """
    home = Home(folder)
    return [
        *examine_software(),
        *examine_devices(),
        clock_check(clock_state()),
        settings_check(home, settings_problem),
        *examine_home(folder, config.images, int(config.min_free_gb * 1e9)),
        *examine_permissions(home),
        weights_check(home.weights),
        *_examine_records_place(home),
        *examine_records(home, datetime.now(UTC)),
        *examine_work(home, config, datetime.now(UTC)),
        *examine_images(config.images),
    ]


def _examine_records_place(home: Home) -> list[Check]:
    try:
        place = home.records
    except BadSettings as error:
        return [Check("database", "problem", str(error))]
    return examine_database(place) if isinstance(place, Path) else examine_server(place)


def settings_check(home: Home, problem: str | None) -> Check:
    """Return whether the settings can be used."""
    if problem is None:
        return Check("settings", "ok", f"the settings of {home.folder} can be used")
    return Check("settings", "problem", "; ".join(problem.splitlines()))
