"""What lies in a home and belongs to a cycle or a run, whether the database knows of it or not."""

import re
from pathlib import Path

from db.backups import backup_folder
from jobs.home import Home


def model_folders(home: Home) -> dict[int, Path]:
    """Return the folders with models by the number of their run."""
    return {number: path for number, path in _numbered(home.models, "run-", "") if path.is_dir()}


def checkpoint_folders(home: Home) -> dict[int, Path]:
    """Return the folders with checkpoints by the number of their run."""
    return dict(_numbered(home.checkpoints, "run-", ""))


def cycle_pages(home: Home) -> dict[int, Path]:
    """Return the pages of cycles by the number of the cycle."""
    return dict(_numbered(home.reports, "cycle-", ".html"))


def writing_places(home: Home) -> tuple[Path, ...]:
    """Return the folders in which files are written beside their place and renamed."""
    backups = backup_folder(home.database)
    return (home.folder, home.models, home.reports, home.weights, home.recipes, backups)


def _numbered(folder: Path, prefix: str, suffix: str) -> list[tuple[int, Path]]:
    name = re.compile(rf"{prefix}(\d{{4,}}){re.escape(suffix)}")
    found = [(name.fullmatch(path.name), path) for path in sorted(folder.glob(f"{prefix}*{suffix}"))]
    return [(int(match[1]), path) for match, path in found if match]
