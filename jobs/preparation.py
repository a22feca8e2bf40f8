"""What a cycle is asked to do, and what it stores before its first run."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.batches import batches
from jobs.config import Config
from jobs.environment import processor
from jobs.home import Home
from jobs.look import NOTHING_ACCEPTED, Accepted, Look
from jobs.watching.heartbeat import Heartbeat
from pipeline.backbones import backbone_named
from pipeline.device import Device
from pipeline.differences import bounded, count_by_kind_and_label
from pipeline.engine_settings import FrozenSettings
from pipeline.failpoint import failpoint
from pipeline.recipes import Recipe
from pipeline.records import Change, Snapshot

if TYPE_CHECKING:
    from jobs.work import Work


@dataclass(frozen=True)
class Request:
    """What a cycle is asked to do."""

    home: Home
    config: Config
    recipe: Recipe
    if_changed: bool = False  # do nothing unless the data are a reason
    accepted: Accepted = NOTHING_ACCEPTED  # what a person has decided about changed classes and lost images
    weights: Path | None = None  # an explicit file of pretrained weights
    new_data_only: bool = False  # nothing on the very images on which the newest cycle has failed


def frozen_settings(home: Home, config: Config) -> FrozenSettings:
    """Return how frozen layers are run over the images, with the cache of the home."""
    return FrozenSettings(config.engine, home.cache, int(config.cache_gb * 1e9), processor(), trials={})


def prepare(
    request: Request,
    sessions: sessionmaker[Session],
    cycle_id: int,
    found: Look,
    snapshot: Snapshot,
    device: Device,
    frozen: FrozenSettings,
    heartbeat: Heartbeat,
) -> "Work":
    """Store the snapshot and gather what the runs share."""
    # Importing MXNet takes over a second, and a look that finds nothing new does not need it.
    from jobs.work import Work
    from pipeline.surroundings import surroundings_on

    snapshot_id = _stored(sessions, snapshot, heartbeat)
    if not found.scanned.layout.split_folders:
        _store_splits(sessions, snapshot)
    with sessions.begin() as session:
        store.set_cycle_snapshot(session, cycle_id, snapshot_id, snapshot.quarantined, found.data_digest)
        _store_data(session, cycle_id, found, snapshot)
        # Only now, since a disk that is missing for a while must not cost reading all its files again.
        store.forget_files(session, str(request.config.images_folder()), found.scanned.gone_paths)
    failpoint("after_snapshot")
    arrived = (change for change in new_images(found) if change.kind in {"added", "replaced"})
    return Work(
        home=request.home,
        sessions=sessions,
        cycle_id=cycle_id,
        snapshot=snapshot,
        snapshot_id=snapshot_id,
        images_folder=request.config.images_folder(),
        backbone=backbone_named(request.recipe.backbone),
        device=device,
        around=surroundings_on(device, request.config.seed, heartbeat.check_stop, heartbeat.progress),
        frozen=frozen,
        promotion=request.config.promotion(),
        fresh=frozenset(change.sha256 for change in arrived),
        cluster=request.config.cluster(),
    )


def _stored(sessions: sessionmaker[Session], snapshot: Snapshot, heartbeat: Heartbeat) -> int:
    """Store the snapshot, unless it is there, in short transactions: nobody waits for a million rows."""
    with sessions.begin() as session:
        known = store.snapshot_with(session, snapshot.digest)
        snapshot_id = known or store.begin_snapshot(session, snapshot, datetime.now(UTC))
    if known:
        return known
    done = 0
    for some in batches(snapshot.images):
        heartbeat.progress("storing the snapshot", done, len(snapshot.images))
        heartbeat.check_stop()
        with sessions.begin() as session:
            store.add_to_snapshot(session, snapshot_id, snapshot.classes, some)
        done += len(some)
    with sessions.begin() as session:
        store.end_snapshot(session, snapshot_id, snapshot)
    return snapshot_id


def _store_splits(sessions: sessionmaker[Session], snapshot: Snapshot) -> None:
    """Store what was drawn, once for ever; should the cycle end in between, the next one draws the same."""
    for some in batches(snapshot.images):
        with sessions.begin() as session:
            store.save_drawn_splits(session, {image.sha256: image.split for image in some})


def _store_data(session: Session, cycle_id: int, found: Look, snapshot: Snapshot) -> None:
    """Store what is new about the data."""
    changes = new_images(found)
    store.set_cycle_data(
        session,
        cycle_id,
        changes=bounded(changes),
        change_counts=count_by_kind_and_label(changes),
        leaks=snapshot.leaks,
        mended=snapshot.mended,
    )


def new_images(found: Look) -> tuple[Change, ...]:
    """Return the changes since the last cycle; the first one has nothing to compare with."""
    return () if found.first else found.changes
