"""Copies of a home and its images, so that a cycle that has finished once is had again for nothing."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from db import store
from db.session import open_current
from pipeline.records import FileState


def copy_home(source: Path, target: Path) -> None:
    """Copy a folder with `home` and `images` into another one, with all that the home knows of its images."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    database, images = target / "home" / "whisker.db", target / "images"
    paths = {"new": os.fsencode(images), "old": os.fsencode(source / "images")}
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in (("file", "root"), ("folder", "root"), ("cycle", "images_folder")):
            connection.execute(f"UPDATE {table} SET {column} = :new WHERE {column} = :old", paths)
    with open_current(database).begin() as session:
        known = store.known_files(session, str(images)).values()
        store.save_files(session, str(images), [_as_copied(state, images) for state in known])


def _as_copied(state: FileState, images: Path) -> FileState:
    """Return what a scan would see of the copy of a file that it knows."""
    status = os.lstat(os.path.join(os.fsencode(images), state.path))
    return replace(state, mtime_ns=status.st_mtime_ns, ctime_ns=status.st_ctime_ns, inode=status.st_ino)
