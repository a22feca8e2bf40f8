"""What a person should decide about labels, and what was decided: in the database, never in the files.

A decision is one transaction and takes no lock of the home, so nobody waits for the end of a cycle: that has
read the decisions at its start, and the next one will find them changed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from db import store
from db.session import open_current, open_read_only
from jobs.home import Home
from jobs.labels import checked_decision, read_decisions
from jobs.memory import files_of
from pipeline.conflicts import Conflict
from pipeline.errors import BadSettings
from pipeline.image_folder import ImageFolder, folder_named
from pipeline.layout import Layout
from pipeline.records import FileState, Suspect
from pipeline.snapshot import find_conflicts


@dataclass(frozen=True)
class Doubts:
    """The images about whose labels nobody has decided yet."""

    cycle_id: int | None  # the cycle that found the suspects; None if none has found any
    suspects: tuple[Suspect, ...]  # the most suspicious first
    conflicts: tuple[Conflict, ...]


def open_doubts(session: Session) -> Doubts:
    """Return what is doubtful and not decided yet.

    The suspects are those of the newest finished cycle that has any. The conflicts are worked out anew from
    the index of the folder of the newest finished cycle, so a decision counts at once.
    """
    decisions = store.label_decisions(session)
    cycle_id, suspects = store.latest_suspects(session) or (None, ())
    indexed = indexed_folder(session)
    conflicts = find_conflicts(indexed.layout, indexed.files, decisions) if indexed else ()
    listed = {conflict.image.sha256 for conflict in conflicts} | set(decisions)
    return Doubts(cycle_id, tuple(s for s in suspects if s.sha256 not in listed), conflicts)


@dataclass(frozen=True)
class IndexedFolder:
    """The image folder of the newest finished cycle, and what the index knows of it now."""

    layout: Layout
    files: tuple[FileState, ...]


def indexed_folder(session: Session) -> IndexedFolder | None:
    """Return the folder whose labels can be decided on; None before a cycle has finished."""
    layout = layout_to_decide_on(session)
    return None if layout is None else with_files(session, layout)


def layout_to_decide_on(session: Session) -> Layout | None:
    """Return the layout that the folder of the newest finished cycle had then; None if there is none."""
    folder = store.last_finished_folder(session)
    last = store.last_layout(session, folder) if folder else None
    return Layout(*last, folder_named(folder)) if folder and last else None


def with_files(session: Session, layout: Layout) -> IndexedFolder:
    """Return what the index knows of a folder."""
    return IndexedFolder(layout, tuple(store.known_files(session, str(layout.folder)).values()))


def apply_decisions(home: Home, images_folder: ImageFolder, file: Path) -> tuple[int, int]:
    """Store the decisions of a list; the next cycle uses them.

    Returns:
        How many images get a label, and how many are left out.

    Raises:
        BadSettings: the list does not fit; nothing of it is stored.
    """
    home.require()
    sessions = open_read_only(home.records)
    with sessions() as session:
        last = store.last_finished_data(session, str(images_folder))
    # Also images that are not in the snapshot: left out before, or lying under two classes.
    known = {file.sha256 for file in files_of(sessions, str(images_folder))}
    decisions = read_decisions(file, known, last.summary.classes if last else ())
    with open_current(home.records).begin() as session:
        store.save_label_decisions(session, decisions, datetime.now(UTC))
    excluded = sum(decision.label is None for decision in decisions)
    return len(decisions) - excluded, excluded


def decide(home: Home, sha256: str, decision: str | None) -> None:
    """Store what somebody decided about one image of the newest finished cycle's folder.

    Args:
        home: of the database.
        sha256: of the image.
        decision: a class, or `exclude`; None takes back what was decided.

    Raises:
        BadSettings: the index does not know the image, or there is no such class.
    """
    home.require()
    with open_read_only(home.records)() as session:
        folder = store.last_finished_folder(session)
        last = store.last_finished_data(session, folder) if folder else None
        if folder is None or last is None:
            raise BadSettings("nothing can be decided before a cycle has finished; `cli.py run-now` runs one")
        known = {file.sha256 for file in store.files_with_content(session, folder, sha256)}
    with open_current(home.records).begin() as session:
        if decision is None:
            store.forget_label_decisions(session, [sha256])
            return
        chosen = checked_decision("the decision", sha256, decision, known, last.summary.classes)
        store.save_label_decisions(session, [chosen], datetime.now(UTC))
