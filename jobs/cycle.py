"""One cycle: look, fine-tune, decide, train the baseline, report. The only module that knows all stages."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import open_database
from jobs.baseline import provide_baseline
from jobs.config import Config
from jobs.home import Home
from jobs.lock import hold
from jobs.look import NOTHING_ACCEPTED, Accepted, Look, judge, scan_folder
from jobs.memory import remember
from jobs.promotion import decide
from jobs.repair import repair
from jobs.reports import write_cycle, write_index
from jobs.stop import StopFlag
from jobs.thumbnails import store_thumbnails
from jobs.training import Work, train_finetune
from pipeline.backbones import backbone_named
from pipeline.device import Device, context, resolve_device
from pipeline.differences import bounded, count_by_kind_and_label
from pipeline.errors import Interrupted, NoSettledImages
from pipeline.evaluate import Progress
from pipeline.recipes import Recipe
from pipeline.records import Cycle, Status
from pipeline.scan import ScanResult
from pipeline.train import Surroundings
from pipeline.weights import WeightsFile, find_weights

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
    with hold(home.lock_file, "a cycle"):
        sessions = open_database(home.database)
        repair(home, sessions)
        found = _look(request, folder, sessions, flag, progress)
        if request.if_changed and not found.would_run:
            log.info("%s", found.reason)
            return Outcome(found, None, None)
        device = resolve_device(config.device)
        backbone = backbone_named(request.recipe.backbone)
        weights = find_weights(backbone, home.weights, request.weights, progress=_bytes(progress))
        with _recorded(home, sessions, folder) as cycle_id:
            work = _prepare(request, sessions, cycle_id, found, device, flag, progress)
            _train_and_decide(work, request, weights, found)
        return _report(home, sessions, cycle_id, found)


def _look(
    request: Request, folder: Path, sessions: sessionmaker[Session], flag: StopFlag, progress: Progress
) -> Look:
    """Look at the folder, twice where there is something new: it counts if it is the same in both looks."""
    started = time.perf_counter()
    scanned = _scan(request, folder, sessions, flag, progress)
    if scanned.settling or scanned.changed_files:
        log.info("%d files are new or being written; looking twice", _unsure(scanned))
        flag.nap(request.config.settle_seconds + 0.1)
        flag.check()
        scanned = _scan(request, folder, sessions, flag, progress)
    with sessions() as session:
        past = remember(session, str(folder), scanned)
    found = judge(
        scanned,
        request.config,
        past,
        accepted=request.accepted,
        now=datetime.now(UTC),
        seconds=time.perf_counter() - started,
    )
    if not (request.if_changed or found.snapshot.images):
        raise NoSettledImages(f"all files in {folder} are still being written; run again when that has ended")
    return found


def _unsure(scanned: ScanResult) -> int:
    return len(scanned.settling) + len(scanned.changed_files)


def _scan(
    request: Request, folder: Path, sessions: sessionmaker[Session], flag: StopFlag, progress: Progress
) -> ScanResult:
    """Scan once; what was read is kept in the index, also when a signal cuts the scan short."""
    with sessions() as session:
        known = store.known_files(session, str(folder))
    scanned = scan_folder(folder, request.config, known, flag, progress)
    with sessions.begin() as session:
        store.save_files(session, str(folder), scanned.changed_files)
    flag.check()
    return scanned


@contextmanager
def _recorded(home: Home, sessions: sessionmaker[Session], folder: Path) -> Iterator[int]:
    """Open the record of a cycle and close it, whatever happens; a cycle that failed has its page too."""
    with sessions.begin() as session:
        cycle_id = store.start_cycle(session, str(folder), datetime.now(UTC))
    log.info("cycle %d starts", cycle_id)
    status: Status = "finished"
    message = None
    try:
        yield cycle_id
    except BaseException as error:
        status = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        message = str(error) or type(error).__name__
        raise
    finally:
        with sessions.begin() as session:
            store.finish_cycle(session, cycle_id, status=status, finished_at=datetime.now(UTC), error=message)
        if status != "finished":
            write_cycle(home, sessions, cycle_id)
            write_index(home, sessions)


def _prepare(
    request: Request,
    sessions: sessionmaker[Session],
    cycle_id: int,
    found: Look,
    device: Device,
    flag: StopFlag,
    progress: Progress,
) -> Work:
    """Store the snapshot and gather what the runs share."""
    with sessions.begin() as session:
        snapshot_id = store.store_snapshot(session, found.snapshot, datetime.now(UTC))
        store.set_cycle_snapshot(session, cycle_id, snapshot_id, found.snapshot.quarantined)
        if not found.scanned.layout.split_folders:
            drawn = {image.sha256: image.split for image in found.snapshot.images}
            store.save_drawn_splits(session, drawn)
        _store_data(session, cycle_id, found)
        # Only now, since a disk that is missing for a while must not cost reading all its files again.
        store.forget_files(session, str(request.config.images_folder()), found.scanned.gone_paths)
    return Work(
        home=request.home,
        sessions=sessions,
        cycle_id=cycle_id,
        snapshot=found.snapshot,
        snapshot_id=snapshot_id,
        images_folder=request.config.images_folder(),
        backbone=backbone_named(request.recipe.backbone),
        device=device,
        around=Surroundings(context(device), request.config.seed, flag.check, progress),
    )


def _store_data(session: Session, cycle_id: int, found: Look) -> None:
    """Store what is new about the data; the first cycle has nothing to compare with."""
    changes = () if found.first else found.changes
    store.set_cycle_data(
        session,
        cycle_id,
        changes=bounded(changes),
        change_counts=count_by_kind_and_label(changes),
        leaks=found.snapshot.leaks,
        mended=found.snapshot.mended,
    )


def _train_and_decide(work: Work, request: Request, weights: WeightsFile, found: Look) -> None:
    """Fine-tune, decide, and only then train the baseline.

    The baseline takes the longest and decides nothing, so an interruption in it costs no promotion.
    """
    run_id = train_finetune(work, request.recipe, weights)
    decide(work, run_id, request.recipe.batch_size)
    store_thumbnails(work, run_id, () if found.first else found.changes)
    if request.config.baseline:
        provide_baseline(work, request.recipe)


def _report(home: Home, sessions: sessionmaker[Session], cycle_id: int, found: Look) -> Outcome:
    page = write_cycle(home, sessions, cycle_id)
    write_index(home, sessions)
    with sessions() as session:
        cycle = store.load_cycle(session, cycle_id)
    log.info("report: %s", page)
    return Outcome(found, cycle, page)


def _bytes(progress: Progress) -> Callable[[int, int | None], None]:
    """Show a download as progress of its own."""
    return lambda done, total: progress("weights", done, total or 0)
