"""Train all layers over the hosts of a cluster, as `fit_all_layers` does in this process.

The cycle stays the only one that records: it writes the job's folder, starts the nodes, and yields what
worker 0 writes down. When it ends, for whatever reason, so do they.
"""

import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from jobs.cluster.beats import OVER, every_seconds, write_beat
from jobs.cluster.job import JobFolder, JobPlan, announce, withdraw
from jobs.cluster.processes import Started, end_nodes, start_nodes
from jobs.cluster.settings import ClusterSettings, free_port
from jobs.cluster.watch import NodeWatch
from jobs.home import Home
from jobs.program import training_program
from jobs.run_record import OpenRun
from pipeline.checkpoint import Checkpoints
from pipeline.read_back import save_arrays
from pipeline.recipes import Recipe
from pipeline.records import EpochMetrics, Evaluation, Note, Prediction, RunKind
from pipeline.surroundings import Surroundings
from pipeline.train import TrainingEvent, fit_all_layers
from pipeline.training_data import TrainingData
from pipeline.training_state import OPTIMISER, TrainingState

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Asked:
    """What is to be trained."""

    kind: RunKind
    backbone: str
    network: Any  # as the training begins, on this host; what was trained is put into it
    data: TrainingData
    recipe: Recipe
    around: Surroundings
    checkpoints: Checkpoints


def fit_anywhere(
    run: OpenRun, kind: RunKind, network: Any, data: TrainingData, recipe: Recipe
) -> Generator[TrainingEvent, None, None]:
    """Train all layers, here or over the hosts of the home's cluster; see `fit_all_layers`."""
    work, checkpoints = run.work, run.checkpoints
    if work.cluster is None:
        return fit_all_layers(network, data, recipe, work.around, checkpoints)
    asked = Asked(kind, work.backbone.name, network, data, recipe, work.around, checkpoints)
    return fit_over_hosts(work.cluster, work.home, asked)


def fit_over_hosts(
    settings: ClusterSettings, home: Home, asked: Asked
) -> Generator[TrainingEvent, None, None]:
    """Train a network by the nodes of a cluster; yield what `fit_all_layers` yields.

    Raises:
        ClusterFailed: a node is dead or silent, or did not come; the next cycle goes on.
        WhiskerError: what a worker has failed with, or this process was asked to stop.
    """
    if asked.checkpoints.found is None:  # else it has been said, and what has changed is
        yield Note(f"trained by {settings.summary}")
    with _job(settings, home, asked) as (job, watch):
        yield from _followed(job, watch, asked)
    _take_up_the_last(asked)
    yield _evaluation_of(job, asked.data)


def _followed(job: JobFolder, watch: NodeWatch, asked: Asked) -> Iterator[EpochMetrics]:
    """Yield each epoch as worker 0 writes it down, until all workers have ended."""
    read, ends = 0, watch.ends()
    while len(ends) < len(watch.workers):
        time.sleep(POLL_SECONDS)
        asked.around.check_stop()
        ends = watch.ends()  # before the events, so that in the last turn all of them are there
        watch.check(ends, time.monotonic())
        asked.around.progress(*watch.stage())
        lines = _lines_after(job, read)
        read += sum(map(len, lines))
        yield from (EpochMetrics(**json.loads(line)) for line in lines)
    for end in ends.values():
        unreadable = {os.fsencode(path): why for path, why in end["unreadable"].items()}
        asked.data.reader.unreadable.update(unreadable)


@contextmanager
def _job(settings: ClusterSettings, home: Home, asked: Asked) -> Iterator[tuple[JobFolder, NodeWatch]]:
    """Let a job be at work while the block runs; at its end, every node ends."""
    job = JobFolder(asked.checkpoints.folder / "cluster", secrets.token_hex(4))
    shutil.rmtree(job.folder, ignore_errors=True)  # of the job that was cut off
    job.write(_plan(settings, asked), (*asked.data.train, *asked.data.test))
    if asked.checkpoints.found is None:
        save_arrays(job.start, TrainingState({"network": asked.network}, None).arrays())
    started: list[Started] = []
    with _beating(job, settings.patience_seconds):
        try:
            announce(home, job)
            start_nodes(settings, home.folder, job, started)
            yield job, NodeWatch(settings, job, started, time.monotonic())
        finally:
            withdraw(home)
            write_beat(job.cycle_beat, 0, {OVER: True})
            end_nodes(started)


@contextmanager
def _beating(job: JobFolder, patience_seconds: float) -> Iterator[None]:
    """Give signs of life to the nodes while the block runs.

    By a thread, since the cycle may have to wait for the database; a cycle that hangs is ended by its daemon.
    """
    over = threading.Event()

    def beat() -> None:
        count = 0
        while not over.is_set():
            count += 1
            write_beat(job.cycle_beat, count, {})
            over.wait(every_seconds(patience_seconds))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        write_beat(job.cycle_beat, 0, {OVER: True})


def _plan(settings: ClusterSettings, asked: Asked) -> JobPlan:
    return JobPlan(
        program=training_program(settings.kvstore),
        kind=asked.kind,
        recipe=asdict(asked.recipe),
        backbone=asked.backbone,
        classes=asked.data.classes,
        images=str(asked.data.reader.folder),
        seed=asked.around.seed,
        training=asked.checkpoints.training,
        environment=asked.checkpoints.environment,
        hosts=settings.hosts,
        devices=settings.devices,
        kvstore=settings.kvstore,
        servers=settings.servers,
        scheduler=settings.scheduler,
        port=settings.port or free_port(settings),
        interface=settings.interface,
        patience_seconds=settings.patience_seconds,
    )


def _lines_after(job: JobFolder, offset: int) -> list[bytes]:
    """Return the whole lines of the events after so many bytes."""
    try:
        with job.events.open("rb") as file:
            file.seek(offset)
            return [line for line in file if line.endswith(b"\n")]
    except FileNotFoundError:
        return []


def _evaluation_of(job: JobFolder, data: TrainingData) -> Evaluation:
    """Return what worker 0 has written as the last of its work."""
    told = json.loads(job.evaluation.read_bytes())
    images = {image.sha256: image for image in data.test}
    predictions = tuple(
        Prediction(sha256, images[sha256].path, images[sha256].label, tuple(probabilities))
        for sha256, probabilities in told["said"].items()
    )
    return Evaluation(told["accuracy"], told["log_loss"], predictions)


def _take_up_the_last(asked: Asked) -> None:
    """Give the network here what the nodes have made of it: the checkpoint of the last epoch."""
    kept = asked.checkpoints
    last = Checkpoints(kept.folder, kept.training, kept.environment)
    last.look()
    assert last.found is not None, "a training of all layers has at least one epoch"
    arrays = {name: a for name, a in last.found.arrays.items() if not name.startswith(OPTIMISER)}
    TrainingState({"network": asked.network}, None).restore(arrays)
