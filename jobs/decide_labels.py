"""What a person should decide about labels, and what was decided: in the database, never in the files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from db import store
from jobs.backups import open_home
from jobs.home import Home
from jobs.labels import read_decisions
from jobs.lock import hold
from pipeline.conflicts import Conflict
from pipeline.layout import SPLITS, Layout
from pipeline.records import LabelDecision, Suspect
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
    conflicts = _conflicts(session, decisions)
    listed = {conflict.image.sha256 for conflict in conflicts} | set(decisions)
    return Doubts(cycle_id, tuple(s for s in suspects if s.sha256 not in listed), conflicts)


def _conflicts(session: Session, decisions: Mapping[str, LabelDecision]) -> tuple[Conflict, ...]:
    folder = store.last_finished_folder(session)
    last = store.last_finished_snapshot(session, folder) if folder else None
    if folder is None or last is None:
        return ()
    # No class is called train or test, see `find_layout`; so the paths tell whether these folders decide.
    split_folders = any(
        image.path.startswith(tuple(b"%b/" % s.encode() for s in SPLITS)) for image in last.images
    )
    layout = Layout(split_folders, last.classes, Path(folder))
    return find_conflicts(layout, store.known_files(session, folder).values(), decisions)


def apply_decisions(home: Home, images_folder: Path, file: Path) -> tuple[int, int]:
    """Store the decisions of a list; the next cycle uses them.

    Returns:
        How many images get a label, and how many are left out.

    Raises:
        BadSettings: the list does not fit; nothing of it is stored.
        Locked: a cycle is running.
    """
    home.require()
    with hold(home.lock_file, "a relabelling"):
        sessions = open_home(home)
        with sessions() as session:
            last = store.last_finished_snapshot(session, str(images_folder))
            # Also images that are not in the snapshot: left out before, or lying under two classes.
            known = {file.sha256 for file in store.known_files(session, str(images_folder)).values()}
        decisions = read_decisions(file, known, last.classes if last else ())
        with sessions.begin() as session:
            store.save_label_decisions(session, decisions, datetime.now(UTC))
    excluded = sum(decision.label is None for decision in decisions)
    return len(decisions) - excluded, excluded
