"""One cycle: look, fine-tune, decide, train the baseline, report. The only module that knows all stages."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.patience import patient
from jobs.ahead import Ahead
from jobs.backups import back_up_daily, open_home
from jobs.cluster.settings import free_port
from jobs.cycle_record import recorded
from jobs.home import Home
from jobs.home_lock import hold_home
from jobs.logs.file import log_file
from jobs.logs.lines import log_ids
from jobs.look import Look
from jobs.looks import Ending, recorded_look
from jobs.not_again import is_held_back, not_again
from jobs.notices.notice import notice_of
from jobs.notices.send import notify
from jobs.preparation import Request, frozen_settings, new_images, prepare
from jobs.prune import keep_to_the_settings
from jobs.repair import repair
from jobs.reports import write_pages
from jobs.resume import Wanted, earlier_run
from jobs.sharing.features import SharedRows
from jobs.sharing.owner import Owner, owner_of
from jobs.sharing.scan import SharedReading
from jobs.shortage import with_smaller_parts
from jobs.space import check_space, hold_back
from jobs.stop import StopFlag
from jobs.survey import survey
from jobs.watching.heartbeat import Heartbeat, beating
from pipeline.backbones import backbone_named
from pipeline.device import Device, resolve_device
from pipeline.errors import GivenUp
from pipeline.evaluate import Progress
from pipeline.failpoint import failpoint
from pipeline.precision import check_precision
from pipeline.pretrained.download import as_stage
from pipeline.pretrained.weights import WeightsFile, find_weights
from pipeline.processors import processor_flags
from pipeline.records import Cycle

if TYPE_CHECKING:
    from jobs.work import Work

log = logging.getLogger("whisker")

SERVER_SECONDS = 60.0  # for so long each step of a cycle waits for a server that is away


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    look: Look
    cycle: Cycle | None  # None: there was no reason for one
    report: Path | None

    @property
    def held_back(self) -> bool:
        """Whether there is none only since a cycle on these very images has failed."""
        return self.cycle is None and is_held_back(self.look)


def run_cycle(request: Request, flag: StopFlag, progress: Progress) -> Outcome:
    """Run one cycle in this process, as the only writer of its home.

    What cannot work (folder, weights, device) is found before anything is recorded; what happens later is
    recorded with the cycle before it is raised.

    Raises:
        Locked: another process holds the home, or has taken it over meanwhile.
        WhiskerError: the cycle could not start, or failed, or was interrupted.
    """
    home, config = request.home, request.config
    folder = config.images_folder()
    home.create(folder)
    patience = config.pace().take_over_seconds if request.if_changed else 0.0  # who asks by hand is told
    with (
        hold_home(
            home, "cycle", "a cycle", pace=config.pace(), patience=patience, nap=flag.nap_or_stop
        ) as lock,
        log_file(home.cycle_log, config.logs()),
    ):

        def check_stop() -> None:
            flag.check()
            lock.require()

        sessions = patient(lock.fence(open_home(home)), SERVER_SECONDS, flag.nap_or_stop)
        with (
            recorded_look(home.records, lock.fence) as ending,
            beating(home.records, progress, check_stop, lock.fence) as heartbeat,
        ):
            given_up = repair(home, sessions)
            hold_back(home)
            back_up_daily(home, config.keep_backups, datetime.now(UTC))
            owner = owner_of(home, lock.fence)
            return _look_and_work(request, sessions, owner, flag, heartbeat, ending, given_up)


def _look_and_work(
    request: Request,
    sessions: sessionmaker[Session],
    owner: Owner,
    flag: StopFlag,
    heartbeat: Heartbeat,
    ending: Ending,
    given_up: bool,
) -> Outcome:
    """Look at the folder, and do what there is a reason for; `given_up`: a cycle just was."""
    home, config, progress = request.home, request.config, heartbeat.progress
    frozen = frozen_settings(home, config)
    rows = SharedRows(owner, home, request.recipe, request.weights, frozen.cache_bytes)
    frozen = replace(frozen, share=rows)
    ahead = Ahead(home, config, request.recipe, request.weights, frozen, request.if_changed)
    found = survey(
        sessions,
        config,
        flag,
        progress,
        ahead,
        SharedReading(owner, heartbeat.check_stop),
        if_changed=request.if_changed,
        accepted=request.accepted,
    )
    if request.new_data_only:
        found = not_again(sessions, found, config.images_folder())
    failpoint("after_scan")
    ending.reason = found.reason
    if found.snapshot is None or (request.if_changed and not found.would_run):
        if given_up and is_held_back(found):
            raise GivenUp(found.reason)
        log.info("%s", found.reason)
        return Outcome(found, None, None)
    device, weights = _device_and_weights(request, progress)
    folder, digest = str(config.images_folder()), found.snapshot.digest
    wanted = Wanted(folder, digest, request.recipe, config.seed, device.name, weights.sha256)
    with recorded(home, sessions, wanted, config.notices()) as cycle_id:
        ending.cycle_id = cycle_id
        work = prepare(request, sessions, cycle_id, found, found.snapshot, device, frozen, heartbeat)
        _train_and_decide(work, request, weights, found)
    ending.outcome = "finished"
    progress("report", 0, 0)
    with log_ids(cycle=cycle_id):
        cycle, page = _report(home, sessions, cycle_id)
        notify(config.notices(), notice_of(cycle, home.folder, page))
    keep_to_the_settings(home, sessions, config, datetime.now(UTC))
    return Outcome(found, cycle, page)


def _device_and_weights(request: Request, progress: Progress) -> tuple[Device, WeightsFile]:
    """Find what a cycle needs besides images; what is missing is an error before anything is recorded."""
    config, recipe, home = request.config, request.recipe, request.home
    device = resolve_device(config.device, config.kvstore)
    backbone = backbone_named(recipe.backbone)
    check_precision(recipe.precision, backbone, device, processor_flags())
    if cluster := config.cluster():
        free_port(cluster)  # its scheduler must be able to listen here
    weights = find_weights(backbone, home.weights, request.weights, progress=as_stage(progress))
    check_space(home, least=int(config.min_free_gb * 1e9), weights_bytes=weights.path.stat().st_size)
    return device, weights


def _train_and_decide(work: "Work", request: Request, weights: WeightsFile, found: Look) -> None:
    """Fine-tune, decide, and only then train the baseline; what a cycle that goes on has done is left out.

    The baseline takes the longest and decides nothing, so an interruption in it costs no promotion.
    """
    from jobs.baseline import provide_baseline
    from jobs.promotion import decide
    from jobs.training import train_finetune

    run_id = train_finetune(work, request.recipe, weights)
    recipe = with_smaller_parts(request.recipe, earlier_run(work, "finetune"))
    decide(work, run_id, recipe.images_at_once)
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
    store_thumbnails(work, cycle, new_images(found))


def _report(home: Home, sessions: sessionmaker[Session], cycle_id: int) -> tuple[Cycle, Path | None]:
    failpoint("before_report")
    page = write_pages(home, sessions, [cycle_id])
    failpoint("after_report")
    with sessions() as session:
        cycle = store.load_cycle(session, cycle_id)
    if page is not None:
        log.info("report: %s", page)
    return cycle, page
