"""Train all layers of a network, one epoch after the other, as the recipe `classic` does.

`pipeline/all_layers.py` uses the same epoch for what a head begins.
"""

import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.batch_norm import average_statistics, settle_batch_norm
from pipeline.checkpoint import Checkpoints
from pipeline.crops import Crop
from pipeline.decode import normalise
from pipeline.epoch_batches import epoch_batches
from pipeline.epoch_sums import EpochSums
from pipeline.evaluate import label_indices
from pipeline.failpoint import failpoint
from pipeline.gradients import Gradients
from pipeline.reader import Batch
from pipeline.recipes import Recipe
from pipeline.records import EpochMetrics, Evaluation, Findings, Note, Suspect
from pipeline.runtime import mx
from pipeline.score import score
from pipeline.sharing import Sharing
from pipeline.snapshot import evenly
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData
from pipeline.training_state import TrainingState

TrainingEvent = EpochMetrics | Note | Evaluation | Findings | tuple[Suspect, ...]


def fit_all_layers(
    network: Any,
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
    checkpoints: Checkpoints | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Train `network` in place; yield the metrics of each finished epoch, and last the evaluation.

    With checkpoints, the training goes on from the one that was found, and each epoch leaves one before it is
    yielded. Order, flips and drop-out of an epoch depend on the seed and its number alone, so on a CPU the
    epochs after an interruption are to the bit those of a training without one.

    Softmax cross-entropy and SGD; the last layer learns `head_learning_rate_factor` times faster. Sums are
    added over images and divided at the end, and a short last batch counts by the images it has.

    Raises:
        TrainingDiverged: the loss is not finite.
        Interrupted: from `around.check_stop`.
        SaveFailed: a checkpoint could not be written.
        WeightsError: the checkpoint is that of another network.
    """
    trainer = trainer_of(network, recipe, around.sharing)
    state = TrainingState({"network": network}, trainer)
    finished = resume(state, checkpoints)
    tested = None
    gradients = gradients_of(network, data, recipe, around)
    labels = label_indices(data.train, data.classes)
    for epoch in range(finished + 1, recipe.epochs + 1):
        started = time.perf_counter()
        loss, accuracy = train_epoch(gradients, trainer, data, labels, recipe, around, epoch)
        average_statistics(network, around.sharing)
        if recipe.batch_norm_batches:
            batches, total = some_batches(data, recipe, around), around.sharing.total
            settle_batch_norm(network, batches, around.device, around.check_stop, total)
        tested = score(network, data, recipe, around)
        metrics = metrics_of(epoch, loss, accuracy, tested, started)
        if checkpoints:
            checkpoints.keep(metrics, state.arrays())
        yield metrics
    yield tested or score(network, data, recipe, around)


def gradients_of(
    network: Any, data: TrainingData, recipe: Recipe, around: Surroundings, *, as_used: bool = False
) -> Gradients:
    """Return what computes the gradients of a training; for `as_used` see `Gradients`."""
    return Gradients(
        network,
        data.reader.preprocessing.size,
        around.device,
        recipe.precision,
        parts=recipe.gradient_parts * around.sharing.devices,
        as_used=as_used,
    )


def metrics_of(epoch: int, loss: float, accuracy: float, tested: Evaluation, started: float) -> EpochMetrics:
    """Return the metrics of an epoch of all layers, from its training and its evaluation.

    Args:
        epoch: its number.
        loss: mean over the training images, nats.
        accuracy: over the training images.
        tested: what came after it.
        started: when it began, by `time.perf_counter`.
    """
    return EpochMetrics(
        epoch=epoch,
        phase="all layers",
        train_loss=loss,
        train_accuracy=accuracy,
        test_loss=tested.log_loss,
        test_accuracy=tested.accuracy,
        seconds=time.perf_counter() - started,
    )


def resume(state: TrainingState, checkpoints: Checkpoints | None) -> int:
    """Take up the state of the checkpoint that was found; return the number of its last epoch, or 0."""
    if checkpoints is None or checkpoints.found is None:
        return 0
    state.restore(checkpoints.found.arrays)
    return checkpoints.found.epochs[-1].epoch


def seed_epoch(seed: int, epoch: int) -> None:
    """Let what MXNet draws in an epoch, for drop-out, depend on nothing that came before."""
    mx.random.seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0] >> 1))


def trainer_of(network: Any, recipe: Recipe, sharing: Sharing) -> Any:
    """Return a trainer of all parameters by SGD; the last layer has a rate of its own."""
    network.output.collect_params().setattr("lr_mult", recipe.head_learning_rate_factor)
    options = {
        "learning_rate": recipe.learning_rate,
        "momentum": recipe.momentum,
        "wd": recipe.weight_decay,
    }
    return sharing.trainer(network.collect_params(), options)


def train_epoch(
    gradients: Gradients,
    trainer: Any,
    data: TrainingData,
    labels: Array,
    recipe: Recipe,
    around: Surroundings,
    epoch: int,
) -> tuple[float, float]:
    """Pass over the training images once; return mean loss (nats) and accuracy over images.

    Args:
        gradients: of the network.
        trainer: of all parameters, see `Sharing.trainer`.
        data: the images.
        labels: class indices of the training images, int64 (N,).
        recipe: batches, flips and crops.
        around: seed, device, stop and progress.
        epoch: its number; with the seed it decides order, flips, crops and drop-out.
    """
    seed_epoch(around.seed, epoch)
    random = np.random.default_rng((around.seed, epoch))
    whole, sharing = epoch_batches(data.by_hash, recipe.batch_size, random), around.sharing
    part_size = sharing.part_size(recipe.images_at_once)
    flips = random.random(len(data.train)) < (0.5 if recipe.horizontal_flip else 0.0)
    numbers = random.random((len(data.train), 4))
    batches = data.reader.groups(
        data.train,
        (sharing.own(batch, part_size) for batch in whole),
        mirrored=lambda p: bool(flips[p]),
        cropped=lambda p: Crop.drawn(recipe.least_crop, numbers[p]) if recipe.least_crop < 1 else None,
    )
    sums = EpochSums(epoch)
    for batch in batches:
        around.check_stop()
        if len(batch.positions) or sharing.processes > 1:  # the others wait for this one's part
            sums.add(*_step(gradients, trainer, batch, labels, data, recipe, around))
        failpoint("in_epoch")
        around.progress(f"epoch {epoch}/{recipe.epochs}", sums.images, len(data.train))
    return sums.means(sharing.total)


def _step(
    gradients: Gradients,
    trainer: Any,
    batch: Batch,
    labels: Array,
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
) -> tuple[int, Any, Any]:
    """Make one update; return the number of images, and on the device summed loss and number right."""
    sums, sharing, own_images = [], around.sharing, len(batch.positions)
    for part, device in sharing.parts(own_images, sharing.part_size(recipe.images_at_once)):
        images = mx.nd.array(normalise(batch.pixels[part], data.reader.preprocessing), ctx=device)
        targets = mx.nd.array(labels[batch.positions[part]], ctx=device)
        losses, logits = gradients(images, targets)
        sums.append((losses.sum(), (logits.argmax(axis=1) == targets).sum()))
    if all_images := float(sharing.total(np.array([own_images]))[0]):
        gradients.update(trainer, all_images)  # the true size, also for the short last batch
    if not sums:
        return 0, mx.nd.zeros(1), mx.nd.zeros(1)
    loss, right = (
        mx.nd.add_n(*(value.as_in_context(around.device) for value in values))
        for values in zip(*sums, strict=True)
    )
    return own_images, loss, right


def some_batches(data: TrainingData, recipe: Recipe, around: Surroundings) -> Iterator[Array]:
    """Yield `batch_norm_batches` batches of training images, in their parts, of all classes, (N, 3, S, S).

    Of processes that share a training, each takes some of the parts.
    """
    chosen = evenly(data.train, recipe.batch_norm_batches * recipe.batch_size)
    order = np.random.default_rng(0).permutation(len(chosen)).tolist()  # classes mixed within each batch
    sharing = around.sharing
    size = sharing.part_size(recipe.images_at_once)
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    for batch in data.reader.groups(chosen, parts[sharing.rank :: sharing.processes]):
        if len(batch.positions):
            yield normalise(batch.pixels, data.reader.preprocessing)
