"""Train one network and store all of it: each epoch as it arrives, then the model, then the ending."""

import os
from collections.abc import Generator
from contextlib import closing
from typing import Any

from db import store
from jobs.cluster.training import fit_anywhere
from jobs.resume import earlier_run, has_model
from jobs.run_record import OpenRun, Plan, recorded_run
from jobs.shortage import note_of_parts, with_smaller_parts
from jobs.work import Work
from pipeline.arrays import Array
from pipeline.bundle import publish_model
from pipeline.decode import normalise
from pipeline.failpoint import failpoint
from pipeline.features import held_out_part
from pipeline.model_facts import model_facts
from pipeline.network import describe, on_one_device, pretrained_network, scratch_network
from pipeline.pretrained.weights import WeightsFile
from pipeline.recipes import Recipe
from pipeline.records import EpochMetrics, Note, Run
from pipeline.run_course import passes, trained_seconds
from pipeline.snapshot import evenly
from pipeline.train import TrainingEvent
from pipeline.train_head import fit_on_features
from pipeline.training_data import TrainingData

SAMPLE = 8  # images on which a model is compared with its ONNX form


def train_finetune(work: Work, recipe: Recipe, weights: WeightsFile) -> int:
    """Fine-tune the pretrained backbone on all training images; return the id of the finished run.

    In a cycle that goes on, a run that had finished is not trained again.
    """
    earlier = earlier_run(work, "finetune")
    if earlier and has_model(work, earlier):
        return earlier.id
    asked, recipe = recipe, with_smaller_parts(recipe, earlier)
    data = work.data(recipe, work.snapshot.part("train"))
    notes = (
        f"pretrained weights: {weights.source}, SHA-256 {weights.sha256}",
        *_of_parts(work, asked, recipe),
    )
    with recorded_run(work, Plan("finetune", recipe, data, earlier, notes)) as run:
        contexts, seed = work.around.sharing.contexts, work.around.seed
        network = pretrained_network(work.backbone, len(data.classes), weights, contexts, seed)
        events = _fine_tuning(run, network, data, recipe)
        _complete(run, recipe, data, network, events, weights)
    return run.id


def _fine_tuning(
    run: OpenRun, network: Any, data: TrainingData, recipe: Recipe
) -> Generator[TrainingEvent, None, None]:
    around, checkpoints = run.work.around, run.checkpoints
    if recipe.trains == "all layers":
        return fit_anywhere(run, "finetune", network, data, recipe)
    start, frozen = run.work.backbone.tail_start, run.work.frozen
    return fit_on_features(network, start, data, recipe, around, frozen, checkpoints)


def _of_parts(work: Work, asked: Recipe, recipe: Recipe) -> tuple[str, ...]:
    if recipe.gradient_parts == asked.gradient_parts:
        return ()
    return (note_of_parts(recipe, work.around.sharing.devices),)


def train_scratch(work: Work, recipe: Recipe) -> int:
    """Train the same network from Xavier, as the baseline; return the id of the finished run.

    Args:
        work: what the runs of the cycle share.
        recipe: the baseline's own, see `baseline_of`.
    """
    earlier = earlier_run(work, "scratch")
    asked, recipe = recipe, with_smaller_parts(recipe, earlier)
    train = evenly(work.snapshot.part("train"), recipe.baseline_images)
    data = work.data(recipe, train)
    with recorded_run(work, Plan("scratch", recipe, data, earlier, _of_parts(work, asked, recipe))) as run:
        failpoint("in_baseline")
        contexts, seed = work.around.sharing.contexts, work.around.seed
        network = scratch_network(work.backbone, len(data.classes), contexts, seed)
        events = fit_anywhere(run, "scratch", network, data, recipe)
        _complete(run, recipe, data, network, events)
    return run.id


def _complete(
    run: OpenRun,
    recipe: Recipe,
    data: TrainingData,
    network: Any,
    events: Generator[TrainingEvent, None, None],
    weights: WeightsFile | None = None,
) -> None:
    """Run the training to its end, storing all it yields; publish the model and close the record."""
    with closing(events):  # which ends, on an error too, what trains in other processes
        for event in events:
            run.spool.add(event)
            if isinstance(event, EpochMetrics):
                failpoint("after_epoch_row")
    for path, reason in data.reader.unreadable.items():
        run.spool.add(Note(f"left out, {reason}: {os.fsdecode(path)}"))
    run.spool.finish()
    _publish(run, recipe, data, network, weights)
    run.checkpoints.remove()
    failpoint("after_run_finished")


def _publish(
    run: OpenRun, recipe: Recipe, data: TrainingData, network: Any, weights: WeightsFile | None
) -> None:
    """Write the model to its folder, then the end of the run to its record."""
    work = run.work
    if work.around.sharing.is_shared:
        on_one_device(network, work.around.device)
    with work.sessions() as session:
        details = store.load_run(session, run.id)  # its evaluation is the last thing that a training yields
    trained = details.run
    work.around.progress("model files", 0, 0)
    artifacts = publish_model(
        network,
        work.home.model(run.id),
        classes=data.classes,
        preprocessing=data.reader.preprocessing,
        temperature=details.findings.temperature,
        test_time_flip=recipe.test_time_flip,
        facts=model_facts(details, work.snapshot, weights),
        sample=_sample(data),
    )
    structure = describe(network, data.reader.preprocessing.size, work.around.device)
    with work.sessions.begin() as session:
        store.set_structure(session, run.id, structure)
        store.add_artifacts(session, run.id, artifacts)
        store.finish_run(
            session,
            run.id,
            status="finished",
            seconds=run.seconds(),
            images_per_second=_images_seen(trained, recipe, data) / trained_seconds(trained),
        )


def _images_seen(run: Run, recipe: Recipe, data: TrainingData) -> int:
    """Return how many training images passed through the network, each pass counted."""
    if recipe.trains == "all layers":
        return passes(run) * len(data.train)
    again = len(data.train) - int(held_out_part(data.train, recipe.validation_share).sum())
    return len(data.train) + (passes(run) - 1) * again


def _sample(data: TrainingData) -> Array | None:
    """Return a few normalised test images, float32 (N, 3, S, S); None if none can be read."""
    with closing(data.reader.batches(data.test, SAMPLE)) as batches:
        batch = next(batches, None)
    return None if batch is None else normalise(batch.pixels, data.reader.preprocessing)
