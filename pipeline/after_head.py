"""Train on from a fitted head what a recipe asks for: the last stage, all layers, or nothing."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.all_layers import AllLayers, Start
from pipeline.arrays import Array
from pipeline.checkpoint import Checkpoints
from pipeline.evaluate import cross_entropies, evaluation, softmax
from pipeline.features import RunFeatures
from pipeline.findings import Fitting, calibrate
from pipeline.head import LinearHead
from pipeline.last_stage import LastStage, trial_of
from pipeline.network import set_head, split_features
from pipeline.recipes import Recipe
from pipeline.records import Calibration, EpochMetrics, Evaluation, Note
from pipeline.score import score
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData


@dataclass(frozen=True)
class Judged:
    """What is known of a trained network."""

    evaluation: Evaluation
    calibration: Calibration | None  # on images that it has not seen


@dataclass(frozen=True)
class FittedHead:
    """The head of a run, and what it was fitted on."""

    heads: list[LinearHead]  # after each iteration; the last one is on the network
    fitting: Fitting
    features: RunFeatures
    held_out: Array  # bool (N,): of the training images
    held_out_loss: float  # mean over these, nats, of a head that was fitted on the others

    @property
    def next_epoch(self) -> int:
        """The number of the epoch after those of the head."""
        return len(self.heads) + 1

    def without_held_out(self) -> LinearHead:
        """Return a head that is fitted on the images that are not held out."""
        return self.fitting.fit(self.features.train, np.flatnonzero(~self.held_out))


Further = Generator[EpochMetrics | Note, None, Judged | None]


def further(
    network: Any,
    tail_start: int,
    fitted: FittedHead,
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
    checkpoints: Checkpoints | None,
) -> Further:
    """Train on what the recipe asks for; yield notes and epochs.

    Returns:
        How the network is judged, if it was changed; None if it stays as it is, with its head.
    """
    if recipe.trains == "head, then all layers":
        if fitted.held_out.any():
            return (yield from _all_layers(network, fitted, data, recipe, around, checkpoints))
        yield Note("all layers: not trained, since there are too few images to hold some out")
    elif recipe.last_stage_epochs and fitted.held_out.any():
        stage = LastStage(network, split_features(network, tail_start)[1], recipe, around)
        return (yield from _last_stage(stage, fitted, data, checkpoints))
    return None


def _last_stage(
    stage: LastStage, fitted: FittedHead, data: TrainingData, checkpoints: Checkpoints | None
) -> Further:
    train, test = fitted.features.train, fitted.features.test
    labels = train.labels[fitted.held_out]
    trial = trial_of(checkpoints, fitted.held_out_loss, labels)
    if trial is None:
        trial = stage.try_out(fitted.without_held_out(), fitted.held_out_loss, train, fitted.held_out)
    yield Note(trial.sentence)
    set_head(stage.network, fitted.heads[-1])  # the trial has left its own
    if not trial.helps:
        return None
    yield from stage.fit(train, test, first_epoch=fitted.next_epoch, trial=trial, checkpoints=checkpoints)
    yield _of_the_head("the last stage was trained")
    found = evaluation(test.images, data.classes, stage.logits(test.boundary))
    return Judged(found, calibrate(softmax(trial.logits), labels))


def _all_layers(
    network: Any,
    fitted: FittedHead,
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
    checkpoints: Checkpoints | None,
) -> Further:
    train, held_out = fitted.features.train, fitted.held_out
    head = fitted.without_held_out()
    losses = cross_entropies(head.logits(train.pooled[held_out]), train.labels[held_out])
    kept_back, trained_on = (
        tuple(image for image, is_held in zip(train.images, held_out, strict=True) if is_held == wanted)
        for wanted in (True, False)
    )
    start = Start(head, kept_back, losses, fitted.next_epoch)
    layers = AllLayers(network, replace(data, train=trained_on), start, recipe, around)
    yield from layers.fit(checkpoints)
    outcome = layers.settle()
    yield Note(outcome.sentence)
    if not outcome.helps:
        return None
    yield _of_the_head("all layers were trained")
    found = score(network, data, recipe, around)
    return Judged(found, calibrate(softmax(outcome.logits), outcome.labels))


def _of_the_head(then: str) -> Note:
    return Note(f"the repeats and the data curve are those of the head alone, before {then}")
