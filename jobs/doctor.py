"""Examine an installation: what is there, which devices work, what is wrong and how to mend it.

Nothing is changed, and whatever may crash or hang (MXNet, CUDA, the driver) is tried in child processes.
"""

from pathlib import Path

from jobs.check import Check
from jobs.doctor_devices import examine_devices
from jobs.doctor_home import examine_database, examine_home, examine_images
from jobs.doctor_software import examine_software

__all__ = ["Check", "examine"]


def examine(home: Path, *, images: Path | None = None, database: Path | None = None) -> list[Check]:
    """Return all checks in the order in which they are best mended: software, devices, then the data.

    `images` is the image folder, if one is known; `database` is the SQLite file, by default that of `home`.
    """
    return [
        *examine_software(),
        *examine_devices(),
        *examine_home(home, images),
        *examine_database(database or home / "whisker.db"),
        *examine_images(images),
    ]
