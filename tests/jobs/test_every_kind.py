"""One cycle by the real command over a folder with a file of every kind."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from db import store
from db.session import open_read_only
from pipeline.perceptual_hash import perceptual_hash
from pipeline.records import Cycle, FileState, Snapshot
from tests.conftest import REPOSITORY
from tests.jobs.kinds import BAD, GOOD, IGNORED, ODD_NAMES, PICTURE, write_kinds
from tests.pipeline.page_text import text_of

CATS = b"train/cat/"


@dataclass(frozen=True)
class Finished:
    """What one cycle left in the database and in its page."""

    cycle: Cycle
    snapshot: Snapshot
    files: dict[bytes, FileState]
    page: list[str]  # its lines of text

    @property
    def reasons(self) -> dict[bytes, str]:
        """Why each file is in quarantine."""
        return {file.path: file.reason for file in self.snapshot.quarantined}

    def used(self) -> set[bytes]:
        """The paths of the images that were trained or tested on."""
        return {image.path for image in self.snapshot.images}


def whisker(home: Path, *words: object, environment: dict[str, str]) -> str:
    command = [sys.executable, REPOSITORY / "cli.py", "--home", home, "--json", *words]
    done = subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def finished(drawn: Path, quickly: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return what a cycle made of drawn images and one file of each kind among the cats."""
    folder = tmp_path_factory.mktemp("kinds")
    images, home = folder / "images", folder / "home"
    shutil.copytree(drawn, images)
    write_kinds(images / "train" / "cat")
    result = json.loads(whisker(home, "run-now", "--images", images, "--no-baseline", environment=quickly))
    with open_read_only(home / "whisker.db")() as session:
        snapshot = store.last_finished_snapshot(session, str(images))
        assert snapshot is not None
        files = store.known_files(session, str(images))
        cycle = store.load_cycle(session, result["cycle"])
    return Finished(cycle, snapshot, files, text_of(Path(result["report"]).read_text()).splitlines())


def row(page: list[str], path: str) -> str:
    """Return the line of the table that begins with a path."""
    (line,) = (line for line in page if line.startswith(f"{path} | "))
    return line


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_in_quarantine_and_on_the_page_with_its_reason(finished: Finished, name: str) -> None:
    reason = BAD[name][1]
    assert finished.reasons[CATS + name.encode()] == reason
    assert row(finished.page, f"train/cat/{name}") == f"train/cat/{name} | {reason} |"


def test_a_link_to_nothing_is_in_quarantine(finished: Finished) -> None:
    assert finished.reasons[CATS + b"dangling.jpg"] == "a link to nothing"
    assert row(finished.page, "train/cat/dangling.jpg") == "train/cat/dangling.jpg | a link to nothing |"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_in_quarantine(finished: Finished) -> None:
    assert finished.reasons[CATS + b"locked.jpg"] == "permission denied"
    assert row(finished.page, "train/cat/locked.jpg") == "train/cat/locked.jpg | permission denied |"


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_hidden_unfinished_or_no_file_is_left_alone(finished: Finished, name: str) -> None:
    path = CATS + name.encode()
    assert path not in finished.used() | set(finished.reasons) | set(finished.files)


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_is_used_and_shows_what_it_should(finished: Finished, kind: str) -> None:
    path, shows = CATS + kind.encode(), GOOD[kind][1]
    assert path in finished.used()
    state = finished.files[path]
    assert (state.width, state.height) == shows.size
    assert state.fingerprint is not None
    assert bits_apart(state.fingerprint, perceptual_hash(shows)) <= 10


def test_the_picture_would_betray_a_wrong_turn_or_a_negative() -> None:
    upright = perceptual_hash(PICTURE)
    wrong = [PICTURE.rotate(180), PICTURE.rotate(90, expand=True), PICTURE.point(lambda value: 255 - value)]
    assert min(bits_apart(upright, perceptual_hash(image)) for image in wrong) > 30


@pytest.mark.parametrize("kind", ODD_NAMES)
def test_a_name_of_any_bytes_is_kept_as_it_is(finished: Finished, kind: str) -> None:
    assert CATS + ODD_NAMES[kind] in finished.used()


def test_the_cycle_finished_and_every_file_is_accounted_for(finished: Finished) -> None:
    assert finished.cycle.status == "finished"
    assert finished.cycle.finetune is not None
    cats = {path for path in finished.used() if path.startswith(CATS)}
    good = len(GOOD) + len(ODD_NAMES) + 12 + (os.geteuid() == 0)  # the drawn cats; root reads locked.jpg
    assert len(cats) == good
    assert len(finished.reasons) == len(BAD) + 1 + (os.geteuid() != 0)


def bits_apart(one: bytes, other: bytes) -> int:
    return int(np.unpackbits(np.frombuffer(one, np.uint8) ^ np.frombuffer(other, np.uint8)).sum())
