"""Revision 0003, on a real database of revision 0002 that knows some files."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from db import store
from db.migrate import create_database
from db.revisions import VERSIONS
from db.session import open_database
from tests.db.samples import PHOTOS


def test_every_folder_of_a_known_file_is_known_and_nothing_is_read_again(path: Path, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for name in ("0001_first_schema.py", "0002_leaks_suspects_changes.py"):
        shutil.copy(VERSIONS / name, versions)
    create_database(path, versions)
    paths = [b"cat/a.jpg", b"cat/b.jpg", b"dog/deep/caf\xe9\n.jpg"]
    with closing(sqlite3.connect(path)) as connection, connection:
        for file in paths:
            row = (PHOTOS.encode(), file, 1, 2, 3, 4, None, None, None, "no bytes", None)
            connection.execute(f"INSERT INTO file VALUES ({', '.join('?' * 11)})", row)
    with open_database(path)() as session:
        assert list(store.known_files(session, PHOTOS)) == paths
        assert store.folder_digests(session, PHOTOS) == {b"cat": None, b"dog/deep": None}
