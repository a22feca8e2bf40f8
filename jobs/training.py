"""Train one network and store all of it: each epoch as it arrives, then the model, then the ending."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from db import store
from jobs.environment import environment
from jobs.heartbeat import CANNOT_WRITE
from jobs.log_lines import log_ids
from jobs.shortage import in_words, is_shortage
from jobs.space import record_ending, sentence_of
from jobs.training_log import log_event
from jobs.work import Work
from pipeline.arrays import Array
from pipeline.bundle import publish_model
from pipeline.decode import normalise
from pipeline.errors import ComputingFailed, Interrupted, WhiskerError
from pipeline.failpoint import failpoint
from pipeline.network import describe, pretrained_network, scratch_network
from pipeline.recipes import Recipe
from pipeline.records import (
    EpochMetrics,
    Evaluation,
    Findings,
    Note,
    RunKind,
    Status,
)
from pipeline.runtime import mx
from pipeline.snapshot import evenly
from pipeline.train import TrainingData, TrainingEvent, fit_all_layers
from pipeline.train_head import fit_on_features
from pipeline.weights import WeightsFile

log = logging.getLogger("whisker")

SAMPLE = 8  # images on which a model is compared with its ONNX form


def train_finetune(work: Work, recipe: Recipe, weights: WeightsFile) -> int:
    """Fine-tune the pretrained backbone on all training images; return the id of the finished run."""
    data = work.data(recipe, work.snapshot.part("train"))
    with _recorded(work, "finetune", recipe, data) as run_id:
        network = pretrained_network(
            work.backbone, len(data.classes), weights, work.around.device, work.around.seed
        )
        _store(work, run_id, Note(f"pretrained weights: {weights.source}, SHA-256 {weights.sha256}"))
        if recipe.trains == "head":
            start = work.backbone.tail_start
            events = fit_on_features(network, start, data, recipe, work.around, work.frozen)
        else:
            events = fit_all_layers(network, data, recipe, work.around)
        _complete(work, run_id, recipe, data, network, events)
    return run_id


def train_scratch(work: Work, recipe: Recipe) -> int:
    """Train the same network from Xavier, as the baseline; return the id of the finished run.

    Args:
        work: what the runs of the cycle share.
        recipe: the baseline's own, see `baseline_of`.
    """
    train = evenly(work.snapshot.part("train"), recipe.baseline_images)
    data = work.data(recipe, train)
    with _recorded(work, "scratch", recipe, data) as run_id:
        failpoint("in_baseline")
        network = scratch_network(work.backbone, len(data.classes), work.around.device, work.around.seed)
        _complete(work, run_id, recipe, data, network, fit_all_layers(network, data, recipe, work.around))
    return run_id


@contextmanager
def _recorded(work: Work, kind: RunKind, recipe: Recipe, data: TrainingData) -> Iterator[int]:
    """Open the record of a run; whatever ends the training early is written there, and raised on."""
    with work.sessions.begin() as session:
        run_id = store.start_run(
            session,
            work.cycle_id,
            kind=kind,
            backbone=work.backbone.name,
            recipe=recipe.name,
            settings=asdict(recipe),
            environment=environment(work.device),
            device=work.device.name,
            seed=work.around.seed,
            train_images=len(data.train),
            test_images=len(data.test),
            started_at=datetime.now(UTC),
        )
    with log_ids(run=run_id), _closed_at_the_end(work, run_id, kind, recipe):
        log.info("run %d: %s of %s on %s", run_id, kind, work.backbone.name, work.device.name)
        failpoint("after_run_row")
        yield run_id


@contextmanager
def _closed_at_the_end(work: Work, run_id: int, kind: RunKind, recipe: Recipe) -> Iterator[None]:
    started = time.perf_counter()
    try:
        with _computing_in_words(kind, recipe):
            yield
    except BaseException as error:
        status: Status = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        _close_unfinished(work, run_id, status, time.perf_counter() - started, sentence_of(error))
        raise


def _close_unfinished(work: Work, run_id: int, status: Status, seconds: float, reason: str) -> None:
    """Store how a run ended; what ended it may be in the way of that too, and must stay what is raised."""

    def write(session: Session) -> None:
        store.finish_run(session, run_id, status=status, seconds=seconds, error=reason)

    try:
        record_ending(work.home, work.sessions, write)
    except CANNOT_WRITE as error:
        log.warning("the end of run %d could not be stored (%s); the next start does it", run_id, error)


@contextmanager
def _computing_in_words(kind: RunKind, recipe: Recipe) -> Iterator[None]:
    """Turn a lack of memory, and what MXNet raises, which can be pages long, into one sentence."""
    try:
        yield
    except WhiskerError:
        raise
    except Exception as error:  # MXNet, numpy, ONNX Runtime and Python each have their own for want of memory
        if is_shortage(error):
            raise ComputingFailed(in_words(error, kind, recipe)) from error
        if not isinstance(error, mx.MXNetError):
            raise
        what = (str(error).strip() or "no reason given").splitlines()[-1].strip()
        raise ComputingFailed(f"MXNet failed: {what}") from error


def _complete(
    work: Work, run_id: int, recipe: Recipe, data: TrainingData, network: Any, events: Iterator[TrainingEvent]
) -> None:
    """Run the training to its end, storing all it yields; publish the model and close the record."""
    started = time.perf_counter()
    findings, trained = Findings(), 0.0
    for event in events:
        _store(work, run_id, event)
        match event:
            case Findings():
                findings = event
            case EpochMetrics(seconds=seconds):
                trained += seconds
                failpoint("after_epoch_row")
    for path, reason in data.reader.unreadable.items():
        _store(work, run_id, Note(f"left out, {reason}: {os.fsdecode(path)}"))
    artifacts = publish_model(
        network,
        work.home.model(run_id),
        classes=data.classes,
        preprocessing=data.reader.preprocessing,
        temperature=findings.calibration.temperature if findings.calibration else 1.0,
        facts={
            "run": run_id,
            "backbone": work.backbone.name,
            "recipe": asdict(recipe),
            "snapshot": work.snapshot.digest,
        },
        sample=_sample(data),
    )
    structure = describe(network, data.reader.preprocessing.size, work.around.device)
    passes = recipe.epochs if recipe.trains == "all layers" else 1  # the head's epochs see no image again
    with work.sessions.begin() as session:
        store.set_structure(session, run_id, structure)
        store.add_artifacts(session, run_id, artifacts)
        store.finish_run(
            session,
            run_id,
            status="finished",
            seconds=time.perf_counter() - started,
            images_per_second=passes * len(data.train) / trained,
        )
    failpoint("after_run_finished")


def _sample(data: TrainingData) -> Array | None:
    """Return a few normalised test images, float32 (N, 3, S, S); None if none can be read."""
    with closing(data.reader.batches(data.test, SAMPLE)) as batches:
        batch = next(batches, None)
    return None if batch is None else normalise(batch.pixels, data.reader.preprocessing)


def _store(work: Work, run_id: int, event: TrainingEvent) -> None:
    """Store one thing that a training yielded, in a transaction of its own; say so once it is kept."""
    with work.sessions.begin() as session:
        match event:
            case EpochMetrics():
                store.add_epoch(session, run_id, event)
            case Note():
                store.add_note(session, run_id, event.text)
            case Findings():
                store.set_findings(session, run_id, event)
            case tuple():
                store.add_suspects(session, work.cycle_id, event)
            case Evaluation():
                store.add_evaluation(session, run_id, work.snapshot_id, event)
    log_event(run_id, event)
