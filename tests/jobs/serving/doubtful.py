"""A home with all that a person may have to look over."""

import shutil
from pathlib import Path

from db import store
from db.session import open_current
from jobs.home import Home
from jobs.preparation import Request
from tests.jobs.cycles import REAL, request, run
from tests.jobs.doubtful_images import add_conflicts, add_wrong_label


def undecided(home: Home) -> None:
    """Take back all decisions."""
    with open_current(home.database).begin() as session:
        store.forget_label_decisions(session, list(store.label_decisions(session)))


def doubtful_home(folder: Path, drawn: Path) -> Request:
    """Return a home with one finished cycle, of two runs: with a suspect, conflicts and a broken file."""
    images = folder / "images"
    shutil.copytree(drawn, images)
    add_conflicts(images)
    add_wrong_label(images)
    cats = images / "train" / "cat"
    (cats / "broken.jpg").write_bytes((cats / "drawn-0004.jpg").read_bytes()[:1500])
    asked = request(folder, images, baseline=True, backbone=REAL)
    run(asked)
    return asked
