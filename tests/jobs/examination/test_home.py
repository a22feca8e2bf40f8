import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from db.file_check import APPLICATION_ID
from db.revisions import VERSIONS, known_revisions
from jobs.examination.home import (
    examine_database,
    examine_home,
    examine_images,
    free_space_check,
    schema_check,
    writable_check,
)

NEWEST = known_revisions(VERSIONS)[-1]


def make_database(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def make_whisker_database(path: Path) -> Path:
    return make_database(
        path,
        f"PRAGMA application_id = {APPLICATION_ID}",
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        f"INSERT INTO alembic_version VALUES ('{NEWEST}')",
        "CREATE TABLE run (id INTEGER PRIMARY KEY, note TEXT)",
        *(f"INSERT INTO run (note) VALUES ('{'x' * 500} {i}')" for i in range(100)),
    )


def test_a_home_inside_the_image_folder_is_a_problem_even_before_it_exists(tmp_path: Path) -> None:
    images = tmp_path / "images"
    (tmp_path / "link").symlink_to(images)
    images.mkdir()
    for home in (images, images / "home", tmp_path / "link" / "home"):
        (check,) = examine_home(home, images)
        assert check.status == "problem"
        assert "inside the image folder" in check.message
    assert examine_home(tmp_path / "images-home", images)[0].status == "warning"


def test_a_home_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert examine_home(tmp_path / "home", None)[0].status == "problem"


def test_a_home_that_cannot_be_written_is_a_problem() -> None:
    assert examine_home(Path("/proc"), None)[0].status == "problem"  # also for root


def test_what_another_user_has_left_in_the_home_is_a_problem_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "whisker.db").touch()
    (tmp_path / "reports").mkdir()
    assert writable_check(tmp_path).status == "ok"
    check = writable_check(tmp_path, lambda path, _mode: path.name != "reports")
    assert check.status == "problem"
    assert f"{tmp_path / 'reports'} cannot be written; run `chown -R $USER {tmp_path}`" in check.message


@pytest.mark.parametrize(("free", "status"), [(2**40, "ok"), (2**30, "warning"), (2**20, "problem")])
def test_little_free_space_is_named_with_a_way_out(free: int, status: str) -> None:
    check = free_space_check(Path("home"), free)
    assert check.status == status
    assert status == "ok" or "cli.py prune" in check.message


def test_a_sound_database_tells_its_revision(tmp_path: Path) -> None:
    checks = examine_database(make_whisker_database(tmp_path / "odd ?#%20 name.db"))
    assert [check.status for check in checks] == ["ok", "ok"]
    assert f"newest schema, {NEWEST}" in checks[1].message


def test_a_damaged_database_is_a_problem(tmp_path: Path) -> None:
    path = make_whisker_database(tmp_path / "whisker.db")
    content = path.read_bytes()
    middle = len(content) // 2
    for name, damaged in {
        "hole": content[:middle] + b"\xff" * 4096 + content[middle + 4096 :],
        "half": content[:middle],
        "header": b"not a database" * 1000,
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(damaged)
        checks = examine_database(tmp_path / name)
        assert [check.status for check in checks] == ["problem"], name
        assert "`cli.py restore`" in checks[0].message
        assert (tmp_path / name).read_bytes() == damaged


def test_a_database_of_another_program_is_no_database_of_ours(tmp_path: Path) -> None:
    path = make_database(tmp_path / "other.db", "CREATE TABLE t (a)")
    assert [check.status for check in examine_database(path)] == ["ok", "problem"]


@pytest.mark.parametrize(
    ("revisions", "status", "words"),
    [
        (["0002"], "ok", "newest schema, 0002"),
        (["0001"], "warning", "run-now` brings it to 0002"),
        (["0003"], "problem", "upgrade Whisker"),
        ([], "problem", "0 revisions"),
        (["0001", "0002"], "problem", "2 revisions"),
        (None, "problem", "another program"),
    ],
)
def test_the_schema_must_be_one_that_this_program_knows(
    revisions: list[str] | None, status: str, words: str
) -> None:
    check = schema_check(revisions, ["0001", "0002"])
    assert check.status == status
    assert words in check.message


WRITE_AND_DIE = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # pages reach the file before the commit
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE run SET note = note || 'y'")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_write_that_was_cut_off_is_a_warning_and_is_left_alone(tmp_path: Path) -> None:
    path = make_whisker_database(tmp_path / "whisker.db")
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], check=False)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    (check,) = examine_database(path)
    assert check.status == "warning"
    assert "was cut off" in check.message
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert "whisker.db-journal" in before


def test_a_folder_in_the_place_of_the_database_is_a_problem(tmp_path: Path) -> None:
    assert examine_database(tmp_path)[0].status == "problem"


def test_a_database_in_use_is_a_warning(tmp_path: Path) -> None:
    path = make_whisker_database(tmp_path / "whisker.db")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    (check,) = examine_database(path, busy_seconds=0.05)
    holder.close()
    assert check.status == "warning"
    assert "try again" in check.message


def test_an_image_folder_must_be_there_and_not_empty(tmp_path: Path) -> None:
    images = tmp_path / "images"
    assert examine_images(None) == []
    assert "mount its disk" in examine_images(images)[0].message
    images.mkdir()
    assert examine_images(images)[0].status == "problem"
    (images / "cat").mkdir()
    assert examine_images(images)[0].status == "ok"
    shutil.rmtree(images)
    images.write_text("a file")
    assert examine_images(images)[0].status == "problem"
