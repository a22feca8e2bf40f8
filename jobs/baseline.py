"""The baseline of a cycle: trained now, or taken from an earlier cycle while it is fresh."""

import logging
from dataclasses import asdict

from db import store
from jobs.rescore import evaluation_today
from jobs.resume import earlier_run
from jobs.shortage import ended_for_want_of_memory
from jobs.training import train_scratch
from jobs.work import Work
from pipeline.errors import TrainingDiverged, WeightsError
from pipeline.recipes import Recipe, baseline_of

log = logging.getLogger("whisker")


def provide_baseline(work: Work, recipe: Recipe) -> None:
    """Give the cycle its baseline. One that diverges is recorded as failed, and fails no cycle.

    In a cycle that goes on, a baseline that has ended stays as it is, and one that was cut off goes on.
    """
    settings = baseline_of(recipe)
    earlier = earlier_run(work, "scratch")
    if earlier and earlier.status in ("finished", "failed") and not ended_for_want_of_memory(earlier):
        return
    reused = None if earlier else _fresh_baseline(work, settings, recipe.baseline_reuse_growth)
    if reused is not None:
        log.info("the baseline of run %d is reused", reused)
        with work.sessions.begin() as session:
            store.set_cycle_runs(session, work.cycle_id, scratch_id=reused, scratch_reused=True)
        return
    try:
        train_scratch(work, settings)
    except TrainingDiverged as error:
        log.warning("the baseline failed: %s", error)


def _fresh_baseline(work: Work, settings: Recipe, growth: float) -> int | None:
    """Return the newest baseline with these very settings, scored on the test images of today.

    None if there is none, if its model cannot be used, or if the number of training images has changed by
    the share `growth` or more since.
    """
    with work.sessions() as session:
        found = store.latest_baseline(
            session,
            backbone=work.backbone.name,
            settings=asdict(settings),
            images_folder=str(work.images_folder),
        )
    if found is None:
        return None
    details, train_images = found
    now = len(work.snapshot.part("train"))
    if abs(now - train_images) >= growth * train_images:
        return None
    try:
        scored = evaluation_today(work, details.run.id, settings.images_at_once)
    except WeightsError as error:
        log.warning("the stored baseline cannot be reused: %s", error)
        return None
    return details.run.id if scored and scored.predictions else None
