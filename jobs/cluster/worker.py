"""What a worker does: its share of the training, and what it says of that."""

import json
import os
from dataclasses import asdict, replace
from typing import Any

from jobs.cluster.job import JobFolder
from jobs.cluster.node import Post, SignsOfLife
from jobs.cluster.settings import NO_HOROVOD
from jobs.image_folder import recorded_folder
from jobs.run_record import computing_in_words
from pipeline.backbones import backbone_named
from pipeline.checkpoint import Checkpoints
from pipeline.device import parse_device, resolve_device
from pipeline.errors import BadSettings, ClusterFailed, OutOfMemory, WhiskerError
from pipeline.network import scratch_network
from pipeline.publish import write_whole
from pipeline.reader import ImageReader
from pipeline.recipes import Recipe, preprocessing_for
from pipeline.records import EpochMetrics, Evaluation
from pipeline.runtime import mx
from pipeline.server_sharing import SharedByServers, to_plain_layout
from pipeline.sharing import Sharing
from pipeline.surroundings import surroundings_on
from pipeline.train import TrainingEvent, fit_all_layers
from pipeline.training_data import TrainingData
from pipeline.training_state import Arrays, TrainingState

HOROVOD_ENDED = "Horovod has been shut down"  # what each sum says once one of its processes is gone


class Looked(Checkpoints):
    """The checkpoint of a run, which another worker keeps."""

    def keep(self, metrics: EpochMetrics, arrays: Arrays) -> None:
        """Leave that to worker 0."""


def work(post: Post, signs: SignsOfLife) -> int:
    """Train; return the exit status. How it ended stands in a file of its own, read by the cycle."""
    try:
        with computing_in_words(post.plan.kind, post.plan.as_recipe(), _devices(post)):
            unreadable = _train(post, signs)
    except WhiskerError as error:
        _write_end(post, _as_told(error))
        return error.exit_status
    except Exception as error:
        _write_end(post, {"error": f"unexpected {type(error).__name__}: {error}", "kind": "ClusterFailed"})
        raise
    _write_end(post, {"unreadable": {os.fsdecode(path): reason for path, reason in unreadable.items()}})
    return 0


def _devices(post: Post) -> int:
    """Return how many devices there are in all processes together."""
    _, numbers = parse_device(post.plan.devices[post.index])
    return len(post.plan.hosts) * (len(numbers) or 1)


def _as_told(error: WhiskerError) -> dict[str, Any]:
    if HOROVOD_ENDED in str(error):
        error = ClusterFailed(f"another worker is gone: {HOROVOD_ENDED}")
    told = {"error": str(error), "kind": type(error).__name__}
    return {**told, "goes_on": error.goes_on} if isinstance(error, OutOfMemory) else told


def _write_end(post: Post, said: dict[str, Any]) -> None:
    write_whole(post.job.of("worker", post.index, "end"), json.dumps(said).encode())


def _train(post: Post, signs: SignsOfLife) -> dict[bytes, str]:
    """Train to the end; return the images that could not be read."""
    plan, recipe = post.plan, post.plan.as_recipe()
    device = resolve_device(plan.devices[post.index])
    around = surroundings_on(device, plan.seed, lambda: None, signs.progress)
    contexts = around.sharing.contexts
    data = _data(post, recipe)
    network = scratch_network(backbone_named(plan.backbone), len(plan.classes), contexts, plan.seed)
    kind = Checkpoints if post.index == 0 else Looked
    checkpoints = kind(post.job.checkpoint, plan.training, plan.environment)
    checkpoints.look()
    if checkpoints.found is None:
        TrainingState({"network": network}, None).restore(mx.nd.load(str(post.job.start)))
    to_plain_layout(network)
    sharing = _sharing(post, contexts)
    for event in fit_all_layers(network, data, recipe, replace(around, shared=sharing), checkpoints):
        if isinstance(event, EpochMetrics):
            sharing.check_alike(network)
        if post.index == 0:  # all have the same to say
            _tell(post.job, event)
    return data.reader.unreadable


def _sharing(post: Post, contexts: tuple[Any, ...]) -> Sharing:
    """Join the other workers."""
    workers = len(post.plan.hosts)
    if post.plan.kvstore == "dist_sync":
        return SharedByServers(contexts, mx.kv.create("dist_sync"), post.index, workers)
    try:
        from pipeline.horovod_sharing import SharedByHorovod, join
    except ImportError as error:
        raise BadSettings(NO_HOROVOD.format(host=post.host, why=error)) from error
    join()
    return SharedByHorovod(contexts, None, post.index, workers)


def _data(post: Post, recipe: Recipe) -> TrainingData:
    images = tuple(post.job.read_images())
    train, test = (tuple(image for image in images if image.split == split) for split in ("train", "test"))
    preprocessing = preprocessing_for(backbone_named(post.plan.backbone), recipe)
    reader = ImageReader(recorded_folder(post.plan.images, post.home), preprocessing)
    return TrainingData(reader, train, test, post.plan.classes)


def _tell(job: JobFolder, event: TrainingEvent) -> None:
    """Write down for the cycle what the training has yielded."""
    if isinstance(event, EpochMetrics):
        with job.events.open("a", encoding="ascii") as file:
            file.write(json.dumps(asdict(event)) + "\n")
        return
    assert isinstance(event, Evaluation), "fit_all_layers yields nothing else"
    said = {prediction.sha256: prediction.probabilities for prediction in event.predictions}
    told = {"accuracy": event.accuracy, "log_loss": event.log_loss, "said": said}
    write_whole(job.evaluation, json.dumps(told).encode())
