"""What earlier cycles left behind for the next look at a folder."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from db import store
from pipeline.records import Snapshot, Split
from pipeline.scan import ScanResult
from pipeline.snapshot import Memory


@dataclass(frozen=True)
class Past:
    """The last snapshot, and what was decided about single images."""

    last: Snapshot | None
    memory: Memory


NO_PAST = Past(None, Memory())


def remember(session: Session, folder: str, scanned: ScanResult) -> Past:
    """Return what is known of a folder and of the images that a scan has found there."""
    last = store.last_finished_snapshot(session, folder)
    drawn: dict[str, Split] = {}
    if not scanned.layout.split_folders:
        # Where folders have decided until now, or before splits were stored, the last cycle tells.
        drawn = {image.sha256: image.split for image in last.images} if last else {}
        drawn |= store.drawn_splits(session, [file.sha256 for file in scanned.files if file.sha256])
    return Past(last, Memory(drawn=drawn, decisions=store.label_decisions(session)))
