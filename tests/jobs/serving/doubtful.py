"""A home with all that a person may have to look over."""

import shutil
from pathlib import Path

from PIL import Image, ImageOps

from db import store
from db.session import open_current
from jobs.home import Home
from jobs.preparation import Request
from tests.jobs.cycles import REAL, request, run


def undecided(home: Home) -> None:
    """Take back all decisions."""
    with open_current(home.database).begin() as session:
        store.forget_label_decisions(session, list(store.label_decisions(session)))


def doubtful_home(folder: Path, drawn: Path) -> Request:
    """Return a home with one finished cycle, of two runs: with a suspect, conflicts and a broken file."""
    images = folder / "images"
    shutil.copytree(drawn, images)
    cats, dogs = images / "train" / "cat", images / "train" / "dog"
    shutil.copy(cats / "drawn-0001.jpg", dogs / "exact.jpg")
    with Image.open(cats / "drawn-0002.jpg") as image:
        ImageOps.mirror(image).save(dogs / "near.jpg", quality=60)
    with Image.open(dogs / "drawn-0003.jpg") as image:
        image.rotate(25).save(cats / "wrong.jpg")
    (cats / "broken.jpg").write_bytes((cats / "drawn-0004.jpg").read_bytes()[:1500])
    asked = request(folder, images, baseline=True, backbone=REAL)
    run(asked)
    return asked
