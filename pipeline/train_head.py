"""Train a head on the frozen features of a pretrained backbone, as the recipe `fast` does.

The features of all images are computed once; then the regularised head is fitted at its optimum, its
strength chosen on held-out TRAINING images (the test images play no part in any choice). If the recipe asks
for it, the backbone's last stage, or all layers, are trained on from there, and kept only where the held-out
images say so.
"""

import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from pipeline.after_head import FittedHead, Judged, further
from pipeline.arrays import Array
from pipeline.checkpoint import Checkpoints
from pipeline.engine_settings import WITHOUT_CACHE, FrozenSettings
from pipeline.evaluate import evaluation
from pipeline.features import Features, compute_features, held_out_part
from pipeline.findings import Fitting, calibrate, find_out, limits
from pipeline.head import LinearHead, fit_head, held_out_losses, losses_and_accuracies
from pipeline.network import set_head
from pipeline.recipes import Recipe
from pipeline.records import EpochMetrics, Note
from pipeline.samples import MOST_FITTED, drawn_rows
from pipeline.surroundings import Surroundings
from pipeline.suspects import out_of_fold_probabilities, suspects
from pipeline.train import TrainingEvent
from pipeline.training_data import TrainingData

MOST_SUSPECTS = 1000  # kept with a cycle


def fit_on_features(
    network: Any,
    tail_start: int,
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
    settings: FrozenSettings = WITHOUT_CACHE,
    checkpoints: Checkpoints | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Train `network.output` (and perhaps the last stage, or all layers) in place.

    Yields the choices made as notes, the suspicious labels, the metrics of each iteration of the optimiser as
    an epoch, the findings, and last the evaluation of the whole network.

    Args:
        network: a pretrained network with `features` and `output`.
        tail_start: index in `features` where the last stage begins.
        data: the images.
        recipe: how the head is fitted, and what is trained after it.
        around: device, seed, stop and progress.
        settings: the engine of the frozen pass, and its cache.
        checkpoints: of the epochs after the head; all before them is computed again, which takes seconds.

    Raises:
        TrainingDiverged: a feature or a loss is not finite.
        Interrupted: from `around.check_stop`.
    """
    started = time.perf_counter()
    features = compute_features(network, tail_start, data, recipe, around, settings)
    train, test = features.train, features.test
    yield from features.notes
    held_out = held_out_part(train.images, recipe.validation_share)
    around.progress("head", 0, 0)
    strength, loss = best_strength(train, held_out, recipe, len(data.classes))
    yield Note(_choice(strength, loss, int(held_out.sum())))
    fitting = Fitting(data.classes, strength, recipe.head_iterations)
    unseen = _unseen(train, fitting)
    yield suspects(unseen, train.images, data.classes)[:MOST_SUSPECTS]
    heads = fit_head(
        train.pooled, train.labels, len(data.classes),
        strength=strength, iterations=fitting.iterations, check_stop=around.check_stop,
    )  # fmt: skip
    yield from _head_epochs(heads, train, test, time.perf_counter() - started)
    set_head(network, heads[-1])
    found = evaluation(test.images, data.classes, heads[-1].logits(test.pooled))
    judged = Judged(found, calibrate(unseen, train.labels))
    fitted = FittedHead(heads, fitting, features, held_out, loss)
    judged = (yield from further(network, tail_start, fitted, data, recipe, around, checkpoints)) or judged
    yield from limits(train)
    yield find_out(train, test, heads[-1], fitting, around, calibration=judged.calibration, fresh=data.fresh)
    yield judged.evaluation


def best_strength(train: Features, held_out: Array, recipe: Recipe, classes: int) -> tuple[float, float]:
    """Return the strength with the least log loss on the held-out training images, and that loss.

    With a single image of each class there is nothing to hold out: then the strongest penalty is taken.
    """
    if not held_out.any():
        return min(recipe.head_strengths), float("nan")
    rows = _drawn(train, held_out)
    tried = held_out_losses(
        train.pooled[rows], train.labels[rows], held_out[rows], classes,
        recipe.head_strengths, recipe.head_iterations,
    )  # fmt: skip
    return min(tried, key=lambda pair: pair[1])


def _drawn(train: Features, held_out: Array) -> Array | slice:
    """Return the rows that the strength is chosen by: of very many, of both parts the same share."""
    images = len(train.labels)
    if images <= MOST_FITTED:
        return slice(None)
    rows = []
    for part in (np.flatnonzero(held_out), np.flatnonzero(~held_out)):
        keys = [train.images[row].sha256 for row in part]
        drawn = drawn_rows(train.labels[part], keys, round(MOST_FITTED * len(part) / images))
        rows += [part[own] for own in drawn]
    return np.sort(np.concatenate(rows))


def _choice(strength: float, loss: float, held_out: int) -> str:
    if not held_out:
        return f"head: C = {strength:g}, the strongest penalty, since there are too few images to choose by"
    return (
        f"head: C = {strength:g} had the least log loss, {loss:.4f}, on {held_out} held-out training images"
    )


def _unseen(train: Features, fitting: Fitting) -> Array:
    """Return what heads that did not see them say of the training images, float64 (N, classes)."""
    return out_of_fold_probabilities(
        train.pooled,
        train.labels,
        len(fitting.classes),
        strength=fitting.strength,
        iterations=fitting.iterations,
        keys=[image.sha256 for image in train.images],
    )


def _head_epochs(
    heads: list[LinearHead], train: Features, test: Features, seconds_before: float
) -> Iterator[EpochMetrics]:
    """Yield the metrics of each iteration; the frozen pass and the choice of C count for the first one."""
    started = time.perf_counter()
    on_train, on_test = (losses_and_accuracies(heads, part.pooled, part.labels) for part in (train, test))
    seconds = (time.perf_counter() - started) / len(heads)
    for epoch, (trained, tested) in enumerate(zip(on_train, on_test, strict=True), start=1):
        (train_loss, train_accuracy), (test_loss, test_accuracy) = trained, tested
        yield EpochMetrics(
            epoch=epoch,
            phase="head",
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            seconds=seconds + (seconds_before if epoch == 1 else 0.0),
        )
