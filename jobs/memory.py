"""What earlier scans and cycles left behind for the next look at a folder."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.config import Config
from pipeline.layout import Layout
from pipeline.records import FileState, LabelDecision, LastData, Snapshot, Split
from pipeline.scan_result import Index, ScanResult
from pipeline.snapshot import Memory


@dataclass(frozen=True)
class Past:
    """The last snapshot, and what was decided about single images."""

    last: Snapshot | None
    memory: Memory
    given_up: tuple[str, str] | None = None  # of the newest cycle, if it was: digest of its data, and why


NO_PAST = Past(None, Memory())
PAGE = 20_000  # files; to read them holds up a writer for a fraction of a second


def index_of(sessions: sessionmaker[Session], folder: str) -> Index:
    """Return the index of a folder. Each question has a short transaction, so no writer waits for a scan."""

    def files_in(inside: bytes) -> dict[bytes, FileState]:
        with sessions() as session:
            return store.known_files_in(session, folder, inside)

    with sessions() as session:
        return Index(store.folder_digests(session, folder), files_in)


def files_of(sessions: sessionmaker[Session], folder: str) -> Iterator[FileState]:
    """Yield the known files of a folder, by path; a page at a time, so that no writer waits for a million."""
    last = b""
    while True:
        with sessions() as session:
            page = store.known_files_after(session, folder, last, PAGE)
        if not page:
            return
        yield from page
        last = page[-1].path


def remember(
    sessions: sessionmaker[Session], folder: str, layout: Layout, files: Iterable[FileState]
) -> Past:
    """Return what is known of a folder and of the settled files that a scan has found there."""
    with sessions() as session:
        last = store.last_finished_snapshot(session, folder)
    drawn: dict[str, Split] = {}
    if not layout.split_folders:
        # Where folders have decided until now, or before splits were stored, the last cycle tells.
        drawn = {image.sha256: image.split for image in last.images} if last else {}
        with sessions() as session:
            drawn |= store.drawn_splits(session, [file.sha256 for file in files if file.sha256])
    with sessions() as session:
        memory = Memory(drawn=drawn, decisions=store.label_decisions(session))
        return Past(last, memory, _given_up(session, folder))


def _given_up(session: Session, folder: str) -> tuple[str, str] | None:
    newest = store.newest_cycle(session)
    if newest is None or not newest.given_up or newest.images_folder != folder:
        return None
    return newest.snapshot_digest or "", f"cycle {newest.id}: {newest.error}"


def digest_of_data(scanned: ScanResult, decisions: Mapping[str, LabelDecision], config: Config) -> str | None:
    """Return a digest of all that a snapshot is made from; None while some of it is not settled.

    As long as it is that of the last finished cycle, nothing has to be loaded or compared: a look at a
    million files that have not changed costs little more than listing them.
    """
    if scanned.digest is None or scanned.changed_files:
        return None
    decided = sorted((decision.sha256, decision.label) for decision in decisions.values())
    parts = [scanned.digest, scanned.layout.class_folders, decided, config.test_fraction]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def last_if_unchanged(
    sessions: sessionmaker[Session], scanned: ScanResult, config: Config
) -> LastData | None:
    """Return the data of the last finished cycle if those that a scan found are the same; else None."""
    with sessions() as session:
        last = store.last_finished_data(session, str(scanned.layout.folder))
        digest = digest_of_data(scanned, store.label_decisions(session), config)
    return last if last and last.data_digest and last.data_digest == digest else None
