"""Judge a recipe on frozen features: each image by a training that has not seen it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.features import Features, held_out_part
from pipeline.findings import Fitting
from pipeline.fits import each
from pipeline.head import LinearHead
from pipeline.last_stage import LastStage
from pipeline.recipes import Recipe
from pipeline.surroundings import Surroundings
from pipeline.train_head import best_strength


@dataclass(frozen=True)
class Ground:
    """What recipes are judged on."""

    network: Any
    last_stage: Any  # the block from which on it may be trained
    train: Features  # with the activations that enter the last stage
    classes: tuple[str, ...]
    around: Surroundings


@dataclass(frozen=True)
class Fold:
    """Rows of the features: to train on, and to be judged; int64."""

    rows: Array
    judged: Array


def folds_of(part: Array, judged: Sequence[int], trained: Sequence[int]) -> list[Fold]:
    """Return a fold for each part to be judged: it is trained on the parts `trained` but for this one."""
    return [
        Fold(np.flatnonzero(np.isin(part, trained) & (part != one)), np.flatnonzero(part == one))
        for one in judged
    ]


def out_of_fold_logits(ground: Ground, recipe: Recipe, folds: Sequence[Fold]) -> Iterator[Array]:
    """Yield for each fold the logits of its images, float32 (M, classes), by a training without them.

    It is done as a run does it, but that the last stage is kept in any case. The parameters of the last
    stage stay as they were.

    Raises:
        TrainingDiverged: the loss of the last stage is not finite.
        Interrupted: from `ground.around.check_stop`.
    """
    stage = LastStage(ground.network, ground.last_stage, recipe, ground.around)
    for fold, head in zip(folds, _heads(ground, recipe, folds), strict=True):
        ground.around.check_stop()
        if recipe.last_stage_epochs:
            yield stage.tried(head, ground.train, fold.rows, fold.judged)
        else:
            yield head.logits(ground.train.pooled[fold.judged])


def strength_of(ground: Ground, recipe: Recipe, rows: Array) -> float:
    """Return the strength C that a run with these images would have."""
    if len(recipe.head_strengths) == 1:
        return recipe.head_strengths[0]
    train = ground.train
    part = replace(
        train,
        images=tuple(train.images[row] for row in rows),
        labels=train.labels[rows],
        pooled=train.pooled[rows],
        boundary=np.empty(0, np.float32),
    )
    held_out = held_out_part(part.images, recipe.validation_share)
    return best_strength(part, held_out, recipe, len(ground.classes))[0]


def _heads(ground: Ground, recipe: Recipe, folds: Sequence[Fold]) -> list[LinearHead]:
    """Return the head of each fold, fitted on what it trains on."""
    fits = [
        (Fitting(ground.classes, strength_of(ground, recipe, f.rows), recipe.head_iterations), f)
        for f in folds
    ]
    most = max(len(fold.rows) for fold in folds) * ground.train.pooled.shape[1]
    return each(lambda fit: fit[0].fit(ground.train, fit[1].rows), fits, most, ground.around.check_stop)
