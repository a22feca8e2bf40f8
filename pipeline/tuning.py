"""Search for settings of a recipe that trains on frozen features, by Optuna; the only module that knows it.

Training images alone are used, and they are dealt to parts: on the first ones the search is done, each image
judged by a training without it. The best of many trials owes part of its success to luck, so it is compared
with the recipe as it was on the other parts, which the search has not seen.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import optuna
from optuna.trial import TrialState

from pipeline.arrays import Array
from pipeline.cross_validation import Fold, Ground, folds_of, out_of_fold_logits, strength_of
from pipeline.errors import TrainingDiverged
from pipeline.evaluate import cross_entropies
from pipeline.paired import Estimate, mean_estimate
from pipeline.recipes import Recipe

SEARCHED, CONFIRMING = range(5), range(5, 8)  # parts of the training images
PARTS = len(SEARCHED) + len(CONFIRMING)
STRENGTHS = (1e-5, 10.0)  # C
LAST_STAGE_EPOCHS = (0, 5)
LAST_STAGE_RATES = (1e-4, 1e-2)
FIRST_EPOCHS = 2  # of the first proposal that trains the last stage

Ending = Literal["finished", "given up", "diverged"]


@dataclass(frozen=True)
class Tried:
    """What became of one set of settings."""

    number: int  # counted from 1; 0 is the recipe as it was
    recipe: Recipe
    ending: Ending  # "given up": clearly worse than others by the first parts
    losses: (
        Array  # of the judged images, nats, float64, in the same order for all trials; empty if it diverged
    )
    accuracy: float  # of the judged images
    seconds: float

    @property
    def loss(self) -> float:
        """The mean of the losses."""
        return float(self.losses.mean()) if len(self.losses) else float("nan")


@dataclass(frozen=True)
class Confirmation:
    """The recipe as it was and the best that was found, on images that the search has not seen."""

    before: Tried
    after: Tried
    change: Estimate  # of the log loss, mean over images of after - before, nats; below 0 is better

    @property
    def is_better(self) -> bool:
        """Whether more was gained than chance explains."""
        return self.change.high < 0


def search(ground: Ground, part: Array, recipe: Recipe) -> Iterator[Tried]:
    """Try the recipe as it is, then one proposal after the other; it never ends by itself.

    With the same ground, parts and recipe it yields the same again.

    Args:
        ground: features of the training images.
        part: of each of them, see `deal`.
        recipe: what to begin with.

    Raises:
        TrainingDiverged: the recipe as it is has no finite loss.
        Interrupted: from `ground.around.check_stop`.
    """
    folds = folds_of(part, SEARCHED, SEARCHED)
    yield _tried(ground, 0, recipe, folds)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=ground.around.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
    )
    for settings in _beginnings(recipe, strength_of(ground, recipe, np.flatnonzero(np.isin(part, SEARCHED)))):
        study.enqueue_trial(settings)
    for number in itertools.count(1):
        trial = study.ask()
        tried = _proposal(ground, number, _proposed(trial, recipe), folds, trial)
        if tried.ending == "finished":
            study.tell(trial, tried.loss)
        else:
            study.tell(trial, state=TrialState.PRUNED if tried.ending == "given up" else TrialState.FAIL)
        yield tried


def confirm(ground: Ground, part: Array, before: Recipe, found: Tried) -> Confirmation | None:
    """Compare what was found with the recipe as it was, on the parts that the search has not seen.

    Returns:
        None if it diverges there.
    """
    folds = folds_of(part, CONFIRMING, range(PARTS))
    first = _tried(ground, 0, before, folds)
    try:
        second = _tried(ground, found.number, found.recipe, folds)
    except TrainingDiverged:
        return None
    return Confirmation(first, second, mean_estimate(second.losses - first.losses))


def best_of(tried: Sequence[Tried]) -> Tried:
    """Return the trial with the least log loss on all images, of equal ones the first."""
    return min((one for one in tried if one.ending == "finished"), key=lambda one: one.loss)


def _beginnings(recipe: Recipe, strength: float) -> Iterator[dict[str, float | int]]:
    """Yield the first proposals: C is not chosen anew for each fold, and the last stage is frozen, or not."""

    def within(value: float, bounds: tuple[float, float]) -> float:
        return min(max(value, bounds[0]), bounds[1])

    first: dict[str, float | int] = {"strength": within(strength, STRENGTHS)}
    yield {**first, "last_stage_epochs": 0}
    if not recipe.test_time_flip:
        epochs = min(recipe.last_stage_epochs, LAST_STAGE_EPOCHS[1]) or FIRST_EPOCHS
        rate = within(recipe.last_stage_learning_rate, LAST_STAGE_RATES)
        yield {**first, "last_stage_epochs": epochs, "last_stage_learning_rate": rate}


def _proposed(trial: optuna.Trial, recipe: Recipe) -> Recipe:
    """Return the recipe with the settings that Optuna proposes."""
    strength = trial.suggest_float("strength", *STRENGTHS, log=True)
    epochs = 0 if recipe.test_time_flip else trial.suggest_int("last_stage_epochs", *LAST_STAGE_EPOCHS)
    changed = replace(recipe, head_strengths=(_rounded(strength),), last_stage_epochs=epochs)
    if not epochs:
        return changed
    rate = trial.suggest_float("last_stage_learning_rate", *LAST_STAGE_RATES, log=True)
    return replace(changed, last_stage_learning_rate=_rounded(rate))


def _rounded(value: float) -> float:
    """Return a value with three digits: what is tried is what people read, and what a recipe says."""
    return float(f"{value:.3g}")


def _proposal(
    ground: Ground, number: int, recipe: Recipe, folds: Sequence[Fold], trial: optuna.Trial
) -> Tried:
    """Try a proposal; one that costs time is given up as soon as most of the others were better by then."""
    costs_time = recipe.last_stage_epochs > 0

    def give_up(folds_done: int, loss: float) -> bool:
        trial.report(loss, folds_done)
        return costs_time and trial.should_prune()

    started = time.perf_counter()
    try:
        return _tried(ground, number, recipe, folds, give_up)
    except TrainingDiverged:
        seconds = time.perf_counter() - started
        return Tried(number, recipe, "diverged", np.empty(0), float("nan"), seconds)


def _tried(
    ground: Ground,
    number: int,
    recipe: Recipe,
    folds: Sequence[Fold],
    give_up: Callable[[int, float], bool] = lambda folds_done, loss: False,
) -> Tried:
    """Judge a recipe fold by fold, until the end or until it is given up."""
    started = time.perf_counter()
    losses, right = np.empty(0), np.empty(0, bool)
    ending: Ending = "finished"
    for done, logits in enumerate(out_of_fold_logits(ground, recipe, folds), start=1):
        labels = ground.train.labels[folds[done - 1].judged]
        losses = np.append(losses, cross_entropies(logits, labels))
        right = np.append(right, logits.argmax(axis=1) == labels)
        if not np.isfinite(losses).all():
            raise TrainingDiverged("the outputs after the last stage are not finite; choose a smaller rate")
        if give_up(done, float(losses.mean())) and done < len(folds):
            ending = "given up"
            break
    return Tried(number, recipe, ending, losses, float(right.mean()), time.perf_counter() - started)
