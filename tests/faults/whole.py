"""What must hold of a home whatever has happened in it; each breach is a sentence."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import html5lib
import psutil

from db.sqlite_engine import connect_to_file
from pipeline.errors import WeightsError
from pipeline.manifest import read_manifest
from tests.faults.subject import Subject

# What a process may leave beside what it writes, until the next start.
UNFINISHED = ("*.tmp", "*.new", ".*.tmp", ".*.new", "*-journal")
# What nobody may lose once it is stored: a table or part of one -> the columns by which a row is known again.
ACKNOWLEDGED = {
    "epoch": "run_id, epoch, train_loss, train_accuracy, test_loss, test_accuracy",
    "promotion": "id, run_id, reason",
    "snapshot WHERE digest <> 'unfinished'": "id, digest",
    "prediction": "evaluation_id, image_id, probabilities",
    "cycle": "id, images_folder",
    "run": "id, cycle_id, kind, backbone",
}

Rows = dict[str, set[tuple[object, ...]]]


@dataclass(frozen=True)
class Facts:
    """What was there before the recovery."""

    images: dict[str, str]  # path -> SHA-256
    rows: Rows


def facts_of(subject: Subject) -> Facts:
    """Read what must not be lost."""
    return Facts(tree(subject.images), rows_of(subject.home / "whisker.db"))


def tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def rows_of(database: Path) -> Rows:
    """Return the acknowledged rows; none where there is no database yet."""
    if not database.exists():
        return {}
    with closing(connect_to_file(database, "rw")) as connection:  # rw: SQLite takes back a commit cut off
        return {
            table: set(connection.execute(f"SELECT {columns} FROM {table}"))
            for table, columns in ACKNOWLEDGED.items()
        }


def breaches(subject: Subject, before: Facts, *, champion: bool = True) -> list[str]:
    """Return what is lost or left over, after the recovery has ended; `champion`: one must be there."""
    return [
        *_of_images(subject, before),
        *_of_database(subject, before),
        *_of_models(subject, champion),
        *_of_pages(subject),
        *_of_leftovers(subject),
    ]


def _of_images(subject: Subject, before: Facts) -> Iterator[str]:
    if tree(subject.images) != before.images:
        yield "the image folder was changed"


def _of_database(subject: Subject, before: Facts) -> Iterator[str]:
    database = subject.home / "whisker.db"
    after = rows_of(database)
    for table, rows in before.rows.items():
        if lost := rows - after.get(table, set()):
            yield f"{len(lost)} acknowledged rows of {table} are gone: {sorted(map(str, lost))[:2]}"
    with closing(connect_to_file(database, "ro")) as connection:
        if (said := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            yield f"integrity_check: {said}"
        if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
            yield f"foreign_key_check: {broken}"
        for table in ("run", "cycle"):
            running = connection.execute(f"SELECT id FROM {table} WHERE status = 'running'").fetchall()
            if running:
                yield f"{table} {running} says it is running"
        if connection.execute("SELECT count(*) FROM activity").fetchone() != (0,):
            yield "the database says that somebody is at work"


def _of_models(subject: Subject, champion: bool) -> Iterator[str]:
    models = subject.home / "models"
    with closing(connect_to_file(subject.home / "whisker.db", "ro")) as connection:
        finished = _ids(
            connection, "SELECT id FROM run WHERE status = 'finished' AND model_pruned_at IS NULL"
        )
        ruling = _ids(connection, "SELECT run_id FROM promotion ORDER BY id DESC LIMIT 1")
        hashes = connection.execute("SELECT run_id, name, sha256 FROM artifact").fetchall()
    for run_id in finished:
        try:
            read_manifest(models / f"run-{run_id:04d}")
        except WeightsError as error:
            yield f"the model of run {run_id}: {error}"
    for run_id, name, sha256 in hashes:
        file = models / f"run-{run_id:04d}" / name
        if run_id in finished and hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            yield f"{file} is not what the database says"
    if champion and not (ruling and ruling[0] in finished):
        yield f"there is no champion that has finished: {ruling}"
    elif champion and str((models / "champion").readlink()) != f"run-{ruling[0]:04d}":
        yield "models/champion leads elsewhere"
    known = {f"run-{run_id:04d}" for run_id in finished} | {"champion"}
    for path in models.glob("*"):
        if path.name not in known:
            yield f"{path.name} in models belongs to no finished run"


def _ids(connection: sqlite3.Connection, query: str) -> list[int]:
    return [row[0] for row in connection.execute(query)]


def _of_pages(subject: Subject) -> Iterator[str]:
    reports = subject.home / "reports"
    with closing(connect_to_file(subject.home / "whisker.db", "ro")) as connection:
        cycles = _ids(connection, "SELECT id FROM cycle")
    for name in ["index.html", *(f"cycle-{cycle_id:04d}.html" for cycle_id in cycles)]:
        page = reports / name
        if not page.exists():
            yield f"the page {name} is missing"
        else:
            html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))


def _of_leftovers(subject: Subject) -> Iterator[str]:
    for pattern in UNFINISHED:
        for path in subject.home.rglob(pattern):
            yield f"{path.relative_to(subject.home)} is left over"
    for process in psutil.process_iter(["cmdline", "pid"]):
        if process.pid != os.getpid() and str(subject.home) in (process.info["cmdline"] or ()):
            yield f"process {process.pid} is still there: {process.info['cmdline']}"
