"""Where the records of a home lie, read by itself: a fault in any other setting must not hide them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.settings.file import read_document
from jobs.settings.setting import PREFIX
from pipeline.errors import BadSettings

if TYPE_CHECKING:  # SQLAlchemy takes its time, and a home with a file of its own needs none to be named
    from db.place import Place

SETTING = "database_url"
VARIABLE = PREFIX + SETTING.upper()


def place_of_records(
    settings_file: Path, default: Path, environment: Mapping[str, str] = os.environ
) -> "Place":
    """Return where the records lie: what the environment says, else the settings file, else the default.

    Raises:
        BadSettings: the setting cannot be used, or the file that has it cannot be read.
    """
    given, folder = environment.get(VARIABLE), Path()
    if given is None:
        given, folder = _in_file(settings_file), settings_file.parent
    if not given:
        return default
    from db.place import place_of_address

    place = place_of_address(given)
    return folder / place if isinstance(place, Path) else place


def _in_file(file: Path) -> str:
    try:
        value = read_document(file).values.get(SETTING, "")
    except BadSettings:
        if _names_it(file):
            raise
        return ""
    if not isinstance(value, str):
        raise BadSettings(f"{file}: {SETTING} is not a text")
    return value


def _names_it(file: Path) -> bool:
    """Return whether a file that is no sound TOML seems to set it, or cannot be read at all."""
    try:
        return re.search(rf"^\s*{SETTING}\s*=", file.read_text("utf-8", "replace"), re.MULTILINE) is not None
    except OSError:
        return False
