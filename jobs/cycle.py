"""One cycle: look, fine-tune, decide, train the baseline, report. The only module that knows all stages."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, sessionmaker

from db import store
from jobs.ahead import Ahead
from jobs.backups import back_up_daily, open_home
from jobs.config import Config
from jobs.cycle_record import recorded
from jobs.environment import processor
from jobs.heartbeat import Heartbeat, beating
from jobs.home import Home
from jobs.lock import hold
from jobs.log_file import log_file
from jobs.log_lines import log_ids
from jobs.look import NOTHING_ACCEPTED, Accepted, Look
from jobs.looks import Ending, recorded_look
from jobs.notice import notice_of
from jobs.notices import notify
from jobs.repair import repair
from jobs.reports import write_pages
from jobs.space import check_space, hold_back
from jobs.stop import StopFlag
from jobs.survey import survey
from pipeline.backbones import backbone_named
from pipeline.device import Device, context, resolve_device
from pipeline.differences import bounded, count_by_kind_and_label
from pipeline.engine_settings import FrozenSettings
from pipeline.evaluate import Progress
from pipeline.failpoint import failpoint
from pipeline.precision import check_precision
from pipeline.processors import processor_flags
from pipeline.recipes import Recipe
from pipeline.records import Change, Cycle, Snapshot
from pipeline.weights import WeightsFile, find_weights

if TYPE_CHECKING:
    from jobs.work import Work

log = logging.getLogger("whisker")


@dataclass(frozen=True)
class Request:
    """What a cycle is asked to do."""

    home: Home
    config: Config
    recipe: Recipe
    if_changed: bool = False  # do nothing unless the data are a reason
    accepted: Accepted = NOTHING_ACCEPTED  # what a person has decided about changed classes and lost images
    weights: Path | None = None  # an explicit file of pretrained weights


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    look: Look
    cycle: Cycle | None  # None: there was no reason for one
    report: Path | None


def run_cycle(request: Request, flag: StopFlag, progress: Progress) -> Outcome:
    """Run one cycle in this process, as the only writer of its home.

    What cannot work (folder, weights, device) is found before anything is recorded; what happens later is
    recorded with the cycle before it is raised.

    Raises:
        Locked: another process holds the home.
        WhiskerError: the cycle could not start, or failed, or was interrupted.
    """
    home, config = request.home, request.config
    folder = config.images_folder()
    home.create(folder)
    with hold(home.lock_file, "a cycle"), log_file(home.cycle_log, config.logs()):
        sessions = open_home(home)
        with (
            recorded_look(home.database) as ending,
            beating(home.database, progress, flag.check) as heartbeat,
        ):
            repair(home, sessions)
            hold_back(home)
            back_up_daily(home, config.keep_backups, datetime.now(UTC))
            return _look_and_work(request, sessions, flag, heartbeat, ending)


def _look_and_work(
    request: Request, sessions: sessionmaker[Session], flag: StopFlag, heartbeat: Heartbeat, ending: Ending
) -> Outcome:
    """Look at the folder, and do what there is a reason for."""
    home, config, progress = request.home, request.config, heartbeat.progress
    frozen = _frozen_settings(request)
    ahead = Ahead(home, config, request.recipe, request.weights, frozen, request.if_changed)
    found = survey(
        sessions, config, flag, progress, ahead, if_changed=request.if_changed, accepted=request.accepted
    )
    failpoint("after_scan")
    ending.reason = found.reason
    if found.snapshot is None or (request.if_changed and not found.would_run):
        log.info("%s", found.reason)
        return Outcome(found, None, None)
    device = resolve_device(config.device)
    backbone = backbone_named(request.recipe.backbone)
    check_precision(request.recipe.precision, backbone, device, processor_flags())
    weights = find_weights(backbone, home.weights, request.weights, progress=_bytes(progress))
    check_space(home, least=int(config.min_free_gb * 1e9), weights_bytes=weights.path.stat().st_size)
    with recorded(home, sessions, config.images_folder(), config.notices()) as cycle_id:
        ending.cycle_id = cycle_id
        work = _prepare(request, sessions, cycle_id, found, found.snapshot, device, frozen, heartbeat)
        _train_and_decide(work, request, weights, found)
    ending.outcome = "finished"
    progress("report", 0, 0)
    with log_ids(cycle=cycle_id):
        cycle, page = _report(home, sessions, cycle_id)
        notify(config.notices(), notice_of(cycle, home.folder, page))
    return Outcome(found, cycle, page)


def _prepare(
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
    from pipeline.train import Surroundings

    with sessions.begin() as session:
        snapshot_id = store.store_snapshot(session, snapshot, datetime.now(UTC))
        store.set_cycle_snapshot(session, cycle_id, snapshot_id, snapshot.quarantined, found.data_digest)
        if not found.scanned.layout.split_folders:
            store.save_drawn_splits(session, {image.sha256: image.split for image in snapshot.images})
        _store_data(session, cycle_id, found, snapshot)
        # Only now, since a disk that is missing for a while must not cost reading all its files again.
        store.forget_files(session, str(request.config.images_folder()), found.scanned.gone_paths)
    failpoint("after_snapshot")
    return Work(
        home=request.home,
        sessions=sessions,
        cycle_id=cycle_id,
        snapshot=snapshot,
        snapshot_id=snapshot_id,
        images_folder=request.config.images_folder(),
        backbone=backbone_named(request.recipe.backbone),
        device=device,
        around=Surroundings(context(device), request.config.seed, heartbeat.check_stop, heartbeat.progress),
        frozen=frozen,
        promotion=request.config.promotion(),
        fresh=frozenset(change.sha256 for change in _new(found) if change.kind in {"added", "replaced"}),
    )


def _frozen_settings(request: Request) -> FrozenSettings:
    config = request.config
    return FrozenSettings(
        config.engine, request.home.cache, int(config.cache_gb * 1e9), processor(), trials={}
    )


def _store_data(session: Session, cycle_id: int, found: Look, snapshot: Snapshot) -> None:
    """Store what is new about the data."""
    changes = _new(found)
    store.set_cycle_data(
        session,
        cycle_id,
        changes=bounded(changes),
        change_counts=count_by_kind_and_label(changes),
        leaks=snapshot.leaks,
        mended=snapshot.mended,
    )


def _train_and_decide(work: "Work", request: Request, weights: WeightsFile, found: Look) -> None:
    """Fine-tune, decide, and only then train the baseline.

    The baseline takes the longest and decides nothing, so an interruption in it costs no promotion.
    """
    from jobs.baseline import provide_baseline
    from jobs.promotion import decide
    from jobs.training import train_finetune

    run_id = train_finetune(work, request.recipe, weights)
    decide(work, run_id, request.recipe.batch_size)
    _keep_pictures(work, found)
    failpoint("after_pictures")
    if request.config.baseline:
        provide_baseline(work, request.recipe)


def _keep_pictures(work: "Work", found: Look) -> None:
    """Keep what the report shows of images, while they and the models are there."""
    from jobs.heat_maps import store_heat_maps
    from jobs.thumbnails import store_thumbnails

    with work.sessions() as session:
        cycle = store.load_cycle(session, work.cycle_id)
    store_heat_maps(work, cycle)
    store_thumbnails(work, cycle, _new(found))


def _new(found: Look) -> tuple[Change, ...]:
    """Return the changes since the last cycle; the first one has nothing to compare with."""
    return () if found.first else found.changes


def _report(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> tuple[Cycle, Path | None]:
    failpoint("before_report")
    page = write_pages(home, sessions, [cycle_id])
    failpoint("after_report")
    with sessions() as session:
        cycle = store.load_cycle(session, cycle_id)
    if page is not None:
        log.info("report: %s", page)
    return cycle, page


def _bytes(progress: Progress) -> Callable[[int, int | None], None]:
    """Show a download as progress of its own."""
    return lambda done, total: progress("weights", done, total or 0)
