"""The index of files: what the last scan saw, so that the next one reads only what has changed."""

from collections.abc import Iterable
from dataclasses import fields

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.batches import batches
from db.tables import FileRow
from pipeline.records import FileState

_COLUMNS = [getattr(FileRow, field.name) for field in fields(FileState)]


def known_files(session: Session, root: str) -> dict[bytes, FileState]:
    """Return all files that are known of the folder `root` (absolute), by their path in it."""
    rows = session.execute(select(*_COLUMNS).where(FileRow.root == root))
    return {state.path: state for state in (FileState(*row) for row in rows)}


def save_files(session: Session, root: str, changed: Iterable[FileState]) -> None:
    """Store new files, and replace what is known of changed ones. Each path at most once."""
    for batch in batches(changed):
        forget_files(session, root, [state.path for state in batch])
        session.execute(insert(FileRow), [{"root": root, **vars(state)} for state in batch])


def forget_files(session: Session, root: str, paths: Iterable[bytes]) -> None:
    """Remove files from the index; paths that are not in it do not matter."""
    for batch in batches(paths):
        session.execute(
            delete(FileRow).where(FileRow.root == root, FileRow.path.in_(batch)),
            execution_options={"synchronize_session": False},
        )
