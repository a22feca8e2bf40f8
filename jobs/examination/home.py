"""The user's data: the home folder, the database and the image folder. All are only read."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from db.file_check import revisions_in
from db.revisions import VERSIONS, known_revisions
from db.sqlite_engine import connect_to_file
from jobs.examination.check import Check
from jobs.examination.remote_images import remote_check
from pipeline.disk import free_bytes, in_words
from pipeline.image_folder import ImageFolder

GIBIBYTE = 2**30
WANTED_BYTES = 2 * GIBIBYTE  # caches and models of a few thousand images
LEAST_BYTES = GIBIBYTE // 4
BUSY_SECONDS = 5.0
RESTORE = "`cli.py restore` puts the newest whole backup in its place"


def examine_home(home: Path, images: ImageFolder | None, least: int = LEAST_BYTES) -> list[Check]:
    """Return the checks of the home folder; a home that does not exist yet is only a warning.

    `least` is how many bytes must be free for a cycle to start.
    """
    if isinstance(images, Path) and home.resolve().is_relative_to(images.resolve()):
        mend = "move it elsewhere and name it with --home"
        return [Check("home", "problem", f"home {home} lies inside the image folder {images}; {mend}")]
    if not home.exists():
        mend = "make it with `cli.py init --images DIR`"
        return [Check("home", "warning", f"home {home} does not exist yet; {mend}")]
    if not home.is_dir():
        return [Check("home", "problem", f"home {home} is not a folder; choose another with --home")]
    return [writable_check(home), free_space_check(home, free_bytes(home), least)]


def free_space_check(home: Path, free: int, least: int = LEAST_BYTES) -> Check:
    """Return whether `free` bytes are enough for the cycles to come, the next of which needs `least`."""
    text = f"{in_words(free)} are free in {home}"
    if free >= max(WANTED_BYTES, 2 * least):
        return Check("free space", "ok", text)
    mend = "free some, run `cli.py prune`, or move the home to another disk"
    return Check("free space", "problem" if free < least else "warning", f"only {text}; {mend}")


def examine_database(database: Path, *, busy_seconds: float = BUSY_SECONDS) -> list[Check]:
    """Return whether the SQLite file exists, is sound and at which revision; it is opened read-only."""
    if not database.exists():
        return [Check("database", "ok", f"there is no database {database} yet; the first cycle makes it")]
    if database.is_file() and database.stat().st_size == 0:
        return [Check("database", "problem", f"database {database} is empty; {RESTORE}")]
    try:
        return _database_checks(database, busy_seconds)
    except sqlite3.OperationalError as error:
        return [_unreadable_check(database, error)]
    except sqlite3.DatabaseError as error:
        return [Check("database", "problem", f"database {database} is damaged ({error}); {RESTORE}")]


def schema_check(revisions: Sequence[str] | None, known: Sequence[str]) -> Check:
    """Return whether the schema is the newest of the `known` ones; None means that it is not Whisker's."""
    if revisions is None:
        mend = "move it away, or choose another --home"
        return Check("schema", "problem", f"the database is one of another program; {mend}")
    if len(revisions) != 1:
        return Check("schema", "problem", f"the database has {len(revisions)} revisions, not 1; {RESTORE}")
    if revisions[0] not in known:
        message = f"the database has schema {revisions[0]} of a newer Whisker; upgrade Whisker"
        return Check("schema", "problem", message)
    if revisions[0] != known[-1]:
        message = (
            f"the database has schema {revisions[0]}; the next `cli.py run-now` brings it to {known[-1]}"
        )
        return Check("schema", "warning", message)
    return Check("schema", "ok", f"the database has the newest schema, {revisions[0]}")


def examine_images(images: ImageFolder | None) -> list[Check]:
    """Return whether the image folder can be read and is not empty, as an unmounted disk would be."""
    if images is None:
        return []
    if not isinstance(images, Path):
        return [remote_check(images)]
    try:
        with os.scandir(images) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        mend = "mount its disk, grant the right to read it, or name another with --images"
        reason = error.strerror or error
        return [Check("images", "problem", f"image folder {images} cannot be read ({reason}); {mend}")]
    if empty:
        mend = "check that its disk is mounted, or add a folder of images for each class"
        return [Check("images", "problem", f"image folder {images} is empty; {mend}")]
    return [Check("images", "ok", f"image folder {images} can be read")]


def writable_check(home: Path, may: Callable[[Path, int], bool] = os.access) -> Check:
    """Return whether a file can be written, by writing one that has no name and vanishes.

    What is there already may belong to somebody else, as after one run by `sudo`.
    """
    try:
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        reason = error.strerror or error
        mend = f"run as its owner, or run `chmod u+rwx {home}`"
        return Check("home", "problem", f"home {home} cannot be written ({reason}); {mend}")
    locked = [path for path in home.iterdir() if not path.is_symlink() and not may(path, os.W_OK)]
    if locked:
        message = f"{locked[0]} cannot be written"
        return Check("home", "problem", f"{message}; run `chown -R $USER {home}` as root")
    return Check("home", "ok", f"home {home} can be written")


def _database_checks(database: Path, busy_seconds: float) -> list[Check]:
    with closing(connect_to_file(database, "ro", busy_seconds)) as connection:
        faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
        if faults != ["ok"]:
            message = f"database {database} is damaged ({'; '.join(faults)}); {RESTORE}"
            return [Check("database", "problem", message)]
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        text = f"database {database} is sound (integrity_check), journal mode {mode}"
        sound = Check("database", "ok", text)
        return [sound, schema_check(revisions_in(connection), known_revisions(VERSIONS))]


def _unreadable_check(database: Path, error: sqlite3.OperationalError) -> Check:
    if error.sqlite_errorname == "SQLITE_READONLY_ROLLBACK":
        message = f"a write to database {database} was cut off; the next command that uses it undoes the rest"
        return Check("database", "warning", message)
    if error.sqlite_errorname.startswith("SQLITE_BUSY"):
        message = f"database {database} is in use and could not be examined; try again when no cycle runs"
        return Check("database", "warning", message)
    mend = "grant the right to read it and its folder"
    return Check("database", "problem", f"database {database} cannot be opened ({error}); {mend}")
