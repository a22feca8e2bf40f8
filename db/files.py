"""The index of files: what the last scan saw, so that the next one reads only what has changed."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.orm import Session

from db.batches import batches, one_of
from db.tables import FileRow, FolderRow
from pipeline.records import FileState

_NAMES = [field.name for field in fields(FileState)]
_COLUMNS = [getattr(FileRow, name) for name in _NAMES]
_AS_IS = {"synchronize_session": False}  # no row of these tables is ever an object of a session


def known_files(session: Session, root: str) -> dict[bytes, FileState]:
    """Return all files that are known of the folder `root` (absolute), by their path in it."""
    return {state.path: state for state in _states(session, FileRow.root == root)}


def known_files_after(session: Session, root: str, path: bytes, most: int) -> list[FileState]:
    """Return the known files of the folder `root` after a path, by path, and no more than `most`."""
    after = select(*_COLUMNS).where(FileRow.root == root, FileRow.path > path)
    return [FileState(*row) for row in session.execute(after.order_by(FileRow.path).limit(most))]


def known_files_in(session: Session, root: str, folder: bytes) -> dict[bytes, FileState]:
    """Return the files that are known to lie directly in one folder of `root`, by their path in `root`."""
    inside = _states(session, _below(root, folder))
    return {state.path: state for state in inside if state.path.rfind(b"/") == len(folder)}


def files_with_content(session: Session, root: str, sha256: str) -> list[FileState]:
    """Return the known files of the folder `root` that have this content, by path."""
    same = _states(session, and_(FileRow.root == root, FileRow.sha256 == sha256))
    return sorted(same, key=lambda state: state.path)


def folder_digests(session: Session, root: str) -> dict[bytes, str | None]:
    """Return the digest of each folder of `root` that has known files, None where it is not settled."""
    rows = session.execute(select(FolderRow.path, FolderRow.digest).where(FolderRow.root == root))
    return dict(rows.tuples().all())


def save_files(
    session: Session,
    root: str,
    changed: Iterable[FileState],
    digests: Mapping[bytes, str | None] = MappingProxyType({}),
) -> None:
    """Store new files, and replace what is known of changed ones. Each path at most once.

    Args:
        session: the caller's transaction.
        root: the image folder.
        changed: the files.
        digests: of the folders that have changed; a folder of `changed` that is missing here has none.
    """
    folders: dict[bytes, str | None] = {}
    for batch in batches(changed):
        _delete_files(session, root, [state.path for state in batch])
        session.execute(insert(FileRow), [_row(root, state) for state in batch])
        folders |= dict.fromkeys(_folders_of(state.path for state in batch))
    folders |= digests
    for some in batches(folders):
        session.execute(
            delete(FolderRow).where(FolderRow.root == root, one_of(session, FolderRow.path, some)),
            execution_options=_AS_IS,
        )
        rows = [{"root": root, "path": path, "digest": folders[path]} for path in some]
        session.execute(insert(FolderRow), rows)


def forget_files(session: Session, root: str, paths: Iterable[bytes]) -> None:
    """Remove files from the index; paths that are not in it do not matter.

    The digests of their folders go with them: a disk that comes back is then compared file by file.
    """
    for batch in batches(paths):
        _delete_files(session, root, batch)
        folders = _folders_of(batch)
        session.execute(
            update(FolderRow)
            .where(FolderRow.root == root, one_of(session, FolderRow.path, folders))
            .values(digest=None),
            execution_options=_AS_IS,
        )
        empty = [folder for folder in folders if not known_files_in(session, root, folder)]
        session.execute(
            delete(FolderRow).where(FolderRow.root == root, one_of(session, FolderRow.path, empty)),
            execution_options=_AS_IS,
        )


def _states(session: Session, which: ColumnElement[bool]) -> Iterator[FileState]:
    rows = session.execute(select(*_COLUMNS).where(which), execution_options={"yield_per": 10_000})
    return (FileState(*row) for row in rows)


def _below(root: str, folder: bytes) -> ColumnElement[bool]:
    """Select the files in a folder and its sub-folders: "0" is the byte after "/"."""
    return and_(FileRow.root == root, FileRow.path > folder + b"/", FileRow.path < folder + b"0")


def _row(root: str, state: FileState) -> dict[str, object]:
    return {"root": root, **{name: getattr(state, name) for name in _NAMES}}


def _folders_of(paths: Iterable[bytes]) -> set[bytes]:
    return {os.path.dirname(path) for path in paths}


def _delete_files(session: Session, root: str, paths: list[bytes]) -> None:
    session.execute(
        delete(FileRow).where(FileRow.root == root, one_of(session, FileRow.path, paths)),
        execution_options=_AS_IS,
    )
