"""One list settles conflicts and suspects: written, filled in, applied."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from db.session import open_read_only
from jobs.decide_labels import Doubts, apply_decisions, open_doubts
from jobs.lock import hold
from jobs.preparation import Request
from pipeline.records import Snapshot
from tests.conftest import REPOSITORY
from tests.jobs.cycles import REAL, request, run
from tests.jobs.doubtful_images import add_conflicts, add_wrong_label


def doubts(asked: Request) -> Doubts:
    with open_read_only(asked.home.database)() as session:
        return open_doubts(session)


def whisker(asked: Request, *words: object) -> str:
    command = [sys.executable, REPOSITORY / "cli.py", "--home", asked.home.folder, *words]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def asked(images: Path, tmp_path: Path) -> Request:
    """Return a request for cycles over images of which some lie in two classes."""
    add_conflicts(images)
    return request(tmp_path, images)


def written(asked: Request, file: Path) -> dict[str, dict[str, str]]:
    """Let the command write the list; return its conflicts by path."""
    listed: Any = json.loads(whisker(asked, "--json", "suspects", "--csv", file))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert len(rows) == len(listed["conflicts"]) + len(listed["suspects"])
    assert all(row["reason"] == "suspect" for row in rows[len(listed["conflicts"]) :])
    return {row["path"]: row for row in rows if row["reason"].startswith("conflict: ")}


def decide(asked: Request, file: Path, rows: dict[str, dict[str, str]], **decisions: str) -> None:
    """Fill in decisions by the name of the file, and apply the list."""
    for path, row in rows.items():
        row["decision"] = decisions.get(Path(path).stem.replace("drawn-", "drawn"), "")
    with file.open("w") as text:
        writer = csv.DictWriter(text, next(iter(rows.values())))
        writer.writeheader()
        writer.writerows(rows.values())
    assert asked.config.images is not None
    apply_decisions(asked.home, asked.config.images, file)


def labels(snapshot: Snapshot) -> dict[str, str]:
    return {image.path.decode(): image.label for image in snapshot.images}


def test_the_list_that_is_written_settles_every_conflict(asked: Request, tmp_path: Path) -> None:
    before = run(asked).look
    assert len(before.summary.quarantined) == 4
    file = tmp_path / "doubts.csv"
    rows = written(asked, file)
    assert {path: (row["label"], row["suggested"], row["reason"]) for path, row in rows.items()} == {
        "train/cat/drawn-0001.jpg": (
            "cat and dog",
            "",
            "conflict: lies under the classes 'cat' and 'dog': train/cat/drawn-0001.jpg, train/dog/exact.jpg",
        ),
        "train/cat/drawn-0002.jpg": (
            "cat",
            "",
            "conflict: shows the same picture as train/dog/near.jpg, which is under class 'dog'",
        ),
        "train/dog/near.jpg": (
            "dog",
            "",
            "conflict: shows the same picture as train/cat/drawn-0002.jpg, which is under class 'cat'",
        ),
    }
    decide(asked, file, rows, drawn0001="cat", near="cat")
    assert written(asked, file) == {}
    after = run(asked).look
    assert after.summary.quarantined == ()
    assert after.snapshot is not None
    found = labels(after.snapshot)
    assert (found["train/cat/drawn-0001.jpg"], found["train/cat/drawn-0002.jpg"]) == ("cat", "cat")
    assert found["train/dog/near.jpg"] == "cat"
    assert doubts(asked).conflicts == ()


def test_what_differs_from_a_decision_stays_on_the_list_with_that_suggestion(
    asked: Request, tmp_path: Path
) -> None:
    run(asked)
    file = tmp_path / "doubts.csv"
    decide(asked, file, written(asked, file), drawn0001="exclude", drawn0002="cat")
    for is_later in (False, True):
        if is_later:
            run(asked)
        ((path, row),) = written(asked, file).items()
        assert (path, row["label"], row["suggested"]) == ("train/dog/near.jpg", "dog", "cat")
        assert row["reason"].endswith("which somebody has decided is 'cat'")
        assert "train/dog/near.jpg: shows the same picture as" in whisker(asked, "suspects")
    decide(asked, file, written(asked, file), near="exclude")
    assert doubts(asked).conflicts == ()


def test_a_suspect_that_was_decided_is_not_listed_again(images: Path, tmp_path: Path) -> None:
    file_of_wrong = os.fsencode(add_wrong_label(images).relative_to(images))
    asked = request(tmp_path, images, backbone=REAL)
    run(asked)
    (wrong,) = (s for s in doubts(asked).suspects if s.path == file_of_wrong)
    file = tmp_path / "decided.csv"
    file.write_text(f"sha256,decision\n{wrong.sha256},cat\n")
    apply_decisions(asked.home, images, file)
    assert wrong.sha256 not in {suspect.sha256 for suspect in doubts(asked).suspects}


def test_a_list_is_applied_while_a_cycle_holds_the_home(asked: Request, tmp_path: Path) -> None:
    run(asked)
    file = tmp_path / "doubts.csv"
    rows = written(asked, file)
    with hold(asked.home.lock_file, "a cycle of the test"):
        decide(asked, file, rows, drawn0001="cat", near="cat")
    assert doubts(asked).conflicts == ()


def test_a_home_without_a_finished_cycle_has_no_doubts(tmp_path: Path, images: Path) -> None:
    from db.session import open_database

    asked = request(tmp_path, images)
    asked.home.create(images)
    open_database(asked.home.database)
    assert doubts(asked) == Doubts(None, (), ())
