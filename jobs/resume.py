"""Which cycle goes on after it was cut off, and what of it is done."""

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from db import store
from pipeline.disk import full_disk
from pipeline.errors import Interrupted, OutOfMemory, WeightsError, WhiskerError
from pipeline.manifest import read_manifest
from pipeline.recipes import Recipe
from pipeline.records import Run, RunKind, Status

if TYPE_CHECKING:  # it imports MXNet, which a look that finds nothing new does not need
    from jobs.work import Work

log = logging.getLogger("whisker")

MOST_CRASHES = 3  # so often a cycle goes on whose process has died; then something in it is the reason


@dataclass(frozen=True)
class Wanted:
    """What a cycle would train now."""

    images_folder: str
    digest: str  # of the snapshot
    recipe: Recipe
    seed: int
    device: str
    weights: str  # SHA-256


def cycle_to_go_on_with(session: Session, wanted: Wanted) -> store.CycleState | None:
    """Return the newest cycle if it was cut off, or given up, and was to train just this; None if not.

    One that was given up comes so far only where a person asks for it, see the rule "not given up".

    It is the same cycle if folder, images and labels, settings, seed, weights and kind of device are.
    """
    state = store.newest_cycle(session)
    if state is None or not (state.status == "interrupted" or state.given_up):
        return None
    return state if _is_same(state, wanted) else None


def _is_same(state: store.CycleState, wanted: Wanted) -> bool:
    if (state.images_folder, state.snapshot_digest) != (wanted.images_folder, wanted.digest):
        return False
    run = state.run("finetune")
    return run is None or (
        store.without_parts(run.settings) == store.without_parts(as_stored(wanted.recipe))
        and run.seed == wanted.seed
        and _kind(run.device) == _kind(wanted.device)
        and any(wanted.weights in note for note in run.notes)
    )


def _kind(device: str) -> str:
    return device.partition(":")[0]


def as_stored(recipe: Recipe) -> dict[str, Any]:
    """Return the settings as the database has them: tuples are lists."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return settings


def give_up_after_crashes(session: Session, at: datetime) -> int | None:
    """Mark the newest cycle as failed if its process has died too often; return its id in that case."""
    state = store.newest_cycle(session)
    if state is None or not state.crashed or state.resumes < MOST_CRASHES:
        return None
    times = MOST_CRASHES + 1
    store.give_up(
        session,
        state.id,
        at,
        f"its process died {times} times, so something in these images or settings may be the reason; it is "
        "left until the images change, or `cli.py run-now` asks to go on with it",
    )
    return state.id


def earlier_run(work: "Work", kind: RunKind) -> Run | None:
    """Return the run of this kind that the cycle had when it was cut off; None if it had none."""
    with work.sessions() as session:
        return store.cycle_state(session, work.cycle_id).run(kind)


def has_model(work: "Work", run: Run) -> bool:
    """Return whether a run finished and its model is there, whole."""
    if run.status != "finished":
        return False
    try:
        read_manifest(work.home.model(run.id))
    except WeightsError as error:
        log.warning("run %d is trained again: %s", run.id, error)
        return False
    return True


def status_after(error: BaseException) -> Status:
    """Return how a run or cycle stands that an error has ended: cut off if it can go on, else failed."""
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, OutOfMemory):
        return "interrupted" if error.goes_on else "failed"
    known = full_disk(error) or error
    return "interrupted" if isinstance(known, WhiskerError) and known.passes else "failed"
