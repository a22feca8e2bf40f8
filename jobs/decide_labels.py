"""Apply what a person has decided about labels: in the database, never in the files."""

from datetime import UTC, datetime
from pathlib import Path

from db import store
from db.session import open_database
from jobs.home import Home
from jobs.labels import read_decisions
from jobs.lock import hold


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
        sessions = open_database(home.database)
        with sessions() as session:
            last = store.last_finished_snapshot(session, str(images_folder))
            # Also images that are not in the snapshot: left out before, or lying under two classes.
            known = {file.sha256 for file in store.known_files(session, str(images_folder)).values()}
        decisions = read_decisions(file, known, last.classes if last else ())
        with sessions.begin() as session:
            store.save_label_decisions(session, decisions, datetime.now(UTC))
    excluded = sum(decision.label is None for decision in decisions)
    return len(decisions) - excluded, excluded
