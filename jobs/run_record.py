"""The record of a run: opened when it starts or goes on, closed whatever happens."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy.orm import Session

from db import store
from jobs.environment import environment
from jobs.logs.lines import log_ids
from jobs.logs.training import log_event
from jobs.resume import as_stored, status_after
from jobs.shortage import is_shortage, out_of_memory
from jobs.space import record_failure, sentence_of
from jobs.spool import Spool
from jobs.work import Work
from pipeline.checkpoint import Checkpoint, Checkpoints
from pipeline.errors import ComputingFailed, OutOfMemory, WeightsError, WhiskerError
from pipeline.failpoint import failpoint
from pipeline.processors import computing_threads
from pipeline.recipes import Recipe
from pipeline.records import (
    SAME_NUMBERS,
    WENT_ON,
    EpochMetrics,
    Evaluation,
    Findings,
    Note,
    Run,
    RunKind,
    Status,
)
from pipeline.runtime import mx
from pipeline.train import TrainingEvent
from pipeline.training_data import TrainingData

log = logging.getLogger("whisker")


@dataclass(frozen=True)
class Plan:
    """What a run is to train."""

    kind: RunKind
    recipe: Recipe
    data: TrainingData
    earlier: Run | None  # the run of its kind that the cycle had when it was cut off
    notes: tuple[str, ...] = ()  # what is known before it starts, such as its pretrained weights


@dataclass(frozen=True)
class OpenRun:
    """A run that is at work."""

    work: Work
    id: int
    checkpoints: Checkpoints
    seconds_before: float  # that it had taken until it was cut off
    started: float  # by `time.perf_counter`

    @cached_property
    def spool(self) -> Spool:
        """Where what the training yields is stored, and waits for a server that is away."""
        return Spool(self._store, self.work.around.check_stop)

    def seconds(self) -> float:
        """Return what the run has taken, without the time between being cut off and going on."""
        return self.seconds_before + time.perf_counter() - self.started

    def _store(self, event: TrainingEvent) -> None:
        """Store one thing that the training yielded, in a transaction of its own; then say so.

        Each may be stored again: a server can fail between doing so and saying so.
        """
        with self.work.sessions.begin() as session:
            match event:
                case EpochMetrics():
                    store.add_epoch(session, self.id, event)
                case Note():
                    store.add_note(session, self.id, event.text)
                case Findings():
                    store.set_findings(session, self.id, event)
                case tuple():
                    store.add_suspects(session, self.work.cycle_id, event)
                case Evaluation():
                    if store.evaluation_on(session, self.id, self.work.snapshot_id) is None:
                        store.add_evaluation(session, self.id, self.work.snapshot_id, event)
        log_event(self.id, event)


@contextmanager
def recorded_run(work: Work, plan: Plan) -> Iterator[OpenRun]:
    """Open the record of a run, new or cut off; whatever ends it early is written there, and raised on."""
    try:
        run = _going_on(work, plan) or _new(work, plan)
    except WeightsError as error:
        run = _new(work, plan, f"it starts over: {error}")
    work.around.progress(f"run {run.id}", 0, 0)
    with log_ids(run=run.id), _closed_at_the_end(run, plan):
        failpoint("after_run_row")
        yield run


@contextmanager
def _closed_at_the_end(run: OpenRun, plan: Plan) -> Iterator[None]:
    try:
        with computing_in_words(plan.kind, plan.recipe, run.work.around.sharing.devices):
            yield
    except BaseException as error:
        run.spool.give_up()
        # A run that had too little memory is over; another one takes its place in the cycle.
        status = "failed" if isinstance(error, OutOfMemory) else status_after(error)
        _close_unfinished(run, status, sentence_of(error))
        if status == "failed":
            run.checkpoints.remove()
        raise


def _close_unfinished(run: OpenRun, status: Status, reason: str) -> None:
    def write(session: Session) -> None:
        store.finish_run(session, run.id, status=status, seconds=run.seconds(), error=reason)

    record_failure(run.work.home, run.work.sessions, f"run {run.id}", write)


def _new(work: Work, plan: Plan, *more: str) -> OpenRun:
    notes = (*plan.notes, *more)
    if plan.earlier:  # nobody goes on from it any more
        shutil.rmtree(work.home.checkpoint(plan.earlier.id), ignore_errors=True)
    with work.sessions.begin() as session:
        run_id = store.start_run(
            session,
            work.cycle_id,
            kind=plan.kind,
            backbone=work.backbone.name,
            recipe=plan.recipe.name,
            settings=as_stored(plan.recipe),
            environment=_environment(work, plan),
            device=work.device.name,
            seed=work.around.seed,
            train_images=len(plan.data.train),
            test_images=len(plan.data.test),
            started_at=datetime.now(UTC),
            notes=notes,
        )
    with log_ids(run=run_id):
        log.info("run %d: %s of %s on %s", run_id, plan.kind, work.backbone.name, work.device.name)
        for note in notes:
            log.info("run %d: %s", run_id, note)
    return OpenRun(work, run_id, _checkpoints(work, plan, run_id), 0.0, time.perf_counter())


def _going_on(work: Work, plan: Plan) -> OpenRun | None:
    """Open the run that was cut off, if it left a checkpoint; WeightsError if that cannot be used."""
    run = plan.earlier
    if run is None or run.status != "interrupted" or run.settings != as_stored(plan.recipe):
        return None
    checkpoints = _checkpoints(work, plan, run.id)
    checkpoints.look()
    if checkpoints.found is None:
        return None
    note = _note(run, checkpoints.found, checkpoints.environment, work.device.kind)
    with work.sessions.begin() as session:
        store.reopen_run(session, run.id)
        for metrics in checkpoints.found.epochs:  # the process may have died before it stored the last one
            store.add_epoch(session, run.id, metrics)
        store.add_note(session, run.id, note)
    with log_ids(run=run.id):
        log.info("run %d: %s", run.id, note)
    before = max(run.seconds or 0.0, sum(metrics.seconds for metrics in checkpoints.found.epochs))
    return OpenRun(work, run.id, checkpoints, before, time.perf_counter())


def _checkpoints(work: Work, plan: Plan, run_id: int) -> Checkpoints:
    settings, seed, digest = as_stored(plan.recipe), work.around.seed, work.snapshot.digest
    facts = [plan.kind, run_id, settings, seed, digest, plan.notes]
    training = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    around = {**_environment(work, plan), "threads": str(computing_threads())}
    return Checkpoints(work.home.checkpoint(run_id), training, around)


def _environment(work: Work, plan: Plan) -> dict[str, str]:
    cluster = work.cluster if plan.recipe.trains == "all layers" else None
    return {**environment(work.device), **({"cluster": cluster.summary} if cluster else {})}


def _note(run: Run, found: Checkpoint, now: Mapping[str, str], kind: str) -> str:
    """Say where the run goes on, and why its numbers may not be those of a run that was not cut off."""
    sentence = f"{WENT_ON} {found.epochs[-1].epoch}, since it had been cut off ({run.error})"
    reasons = [
        f"{name} is {now.get(name, 'none')} and was {found.environment.get(name, 'none')}"
        for name in sorted({*now, *found.environment})
        if now.get(name) != found.environment.get(name)
    ]
    if kind != "cpu":
        reasons.append("a GPU adds in no fixed order")
    if "cluster" in now:
        reasons.append("what processes add up has no fixed order")
    if run.settings.get("precision") == "float16":
        reasons.append("the scale of its losses began again")
    if not reasons:
        return f"{sentence}; {SAME_NUMBERS}"
    return f"{sentence}; its numbers may differ from those of a run that was not: {'; '.join(reasons)}"


@contextmanager
def computing_in_words(kind: RunKind, recipe: Recipe, devices: int = 1) -> Iterator[None]:
    """Turn a lack of memory, and what MXNet raises, which can be pages long, into one sentence."""
    try:
        yield
    except WhiskerError:
        raise
    except Exception as error:  # MXNet, numpy, ONNX Runtime and Python each have their own for want of memory
        if is_shortage(error):
            raise out_of_memory(error, kind, recipe, devices) from error
        if not isinstance(error, mx.MXNetError):
            raise
        what = (str(error).strip() or "no reason given").splitlines()[-1].strip()
        raise ComputingFailed(f"MXNet failed: {what}") from error
