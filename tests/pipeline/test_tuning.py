"""The search for settings, by the real Optuna."""

import itertools
import signal
from dataclasses import replace

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.cross_validation import Ground
from pipeline.errors import Interrupted, TrainingDiverged
from pipeline.paired import Estimate
from pipeline.parts import deal
from pipeline.recipes import Recipe, recipe_named
from pipeline.tuning import (
    LAST_STAGE_EPOCHS,
    LAST_STAGE_RATES,
    PARTS,
    SEARCHED,
    STRENGTHS,
    Confirmation,
    Tried,
    best_of,
    confirm,
    search,
)
from tests.pipeline.grounds import made_ground

FAST = replace(recipe_named("fast"), batch_size=8)
HELD_BACK = replace(FAST, head_strengths=(1e-5,))  # so strongly that there is much to gain


def tried(ground: Ground, recipe: Recipe, proposals: int) -> list[Tried]:
    return list(itertools.islice(search(ground, part_of(ground), recipe), 1 + proposals))


def part_of(ground: Ground) -> Array:
    return deal(ground.train.images, [], PARTS)


def told(one: Tried) -> tuple[object, ...]:
    return one.number, one.recipe, one.ending, one.losses.tolist(), one.accuracy


@pytest.mark.parametrize("epochs", [0, 1])
def test_the_recipe_comes_first_as_it_is_then_with_a_fixed_strength_without_and_with_the_last_stage(
    epochs: int,
) -> None:
    recipe = replace(FAST, last_stage_epochs=epochs)
    first, second, third = tried(made_ground(), recipe, 2)
    assert (first.number, first.recipe, first.ending) == (0, recipe, "finished")
    fixed = second.recipe.head_strengths
    assert second.recipe == replace(FAST, head_strengths=fixed)
    assert fixed[0] in FAST.head_strengths
    assert third.recipe == replace(FAST, head_strengths=fixed, last_stage_epochs=epochs or 2)


def test_proposals_stay_in_their_bounds_and_change_nothing_else() -> None:
    recipes = [one.recipe for one in tried(made_ground(), FAST, 6)[1:]]
    for recipe in recipes:
        (strength,) = recipe.head_strengths
        assert STRENGTHS[0] <= strength <= STRENGTHS[1]
        assert LAST_STAGE_EPOCHS[0] <= recipe.last_stage_epochs <= LAST_STAGE_EPOCHS[1]
        assert LAST_STAGE_RATES[0] <= recipe.last_stage_learning_rate <= LAST_STAGE_RATES[1]
    assert {replace(recipe, head_strengths=(), last_stage_epochs=0, last_stage_learning_rate=0.0)
            for recipe in recipes} == {
        replace(FAST, head_strengths=(), last_stage_epochs=0, last_stage_learning_rate=0.0)
    }  # fmt: skip
    assert len({recipe.last_stage_epochs for recipe in recipes}) > 1


def test_where_images_are_judged_with_their_mirrors_the_last_stage_stays_frozen() -> None:
    found = tried(made_ground(), replace(FAST, test_time_flip=True), 4)
    assert {one.recipe.last_stage_epochs for one in found} == {0}
    assert len({one.recipe.head_strengths for one in found}) == len(found)


def test_the_same_seed_gives_the_same_trials_to_the_bit_and_another_one_others() -> None:
    ground = made_ground()
    first, again = ([told(one) for one in tried(ground, FAST, 4)] for _ in range(2))
    assert first == again
    other = replace(ground, around=replace(ground.around, seed=1))
    assert [told(one) for one in tried(other, FAST, 4)] != first


def test_every_trial_is_judged_on_the_same_images_and_on_none_that_is_to_confirm() -> None:
    ground = made_ground()
    part = part_of(ground)
    unseen = ~np.isin(part, SEARCHED)
    labels = np.where(unseen, 1 - ground.train.labels, ground.train.labels)
    other = replace(ground, train=replace(ground.train, labels=labels))
    found = tried(ground, FAST, 2)
    assert {len(one.losses) for one in found} == {int((~unseen).sum())}
    assert [told(one) for one in found] == [told(one) for one in tried(other, FAST, 2)]


def test_where_there_is_much_to_gain_the_best_is_confirmed_as_better() -> None:
    ground = made_ground()
    best = best_of(tried(ground, HELD_BACK, 5))
    assert best.number > 0
    found = confirm(ground, part_of(ground), HELD_BACK, best)
    assert found is not None
    assert found.is_better
    assert found.change.value == pytest.approx(found.after.loss - found.before.loss)
    assert len(found.after.losses) + len(best.losses) == len(ground.train.labels)


def test_the_same_again_is_not_better() -> None:
    ground = made_ground()
    first, *_ = tried(ground, FAST, 0)
    found = confirm(ground, part_of(ground), FAST, first)
    assert found is not None
    assert not found.is_better
    assert found.change.value == 0


@pytest.mark.parametrize(
    ("low", "high", "is_better"), [(-0.2, -0.01, True), (-0.2, 0.0, False), (-0.2, 0.1, False)]
)
def test_a_gain_counts_where_its_interval_leaves_out_nothing_gained(
    low: float, high: float, is_better: bool
) -> None:
    one = Tried(1, FAST, "finished", np.zeros(3), 1.0, 0.0)
    assert Confirmation(one, one, Estimate(-0.1, low, high)).is_better is is_better


def test_a_proposal_that_diverges_is_one_trial_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.tuning.LAST_STAGE_RATES", (1e29, 1e30))
    deep = replace(FAST, head_strengths=(0.01,), last_stage_epochs=2, last_stage_learning_rate=1e-3)
    found = tried(made_ground(), deep, 3)
    assert [one.ending for one in found[:3]] == ["finished", "finished", "diverged"]
    assert best_of(found).ending == "finished"
    with pytest.raises(TrainingDiverged):
        tried(made_ground(), replace(deep, last_stage_learning_rate=1e30), 0)


def test_a_trial_that_costs_time_is_given_up_where_others_were_better() -> None:
    found = tried(made_ground(), FAST, 12)
    given_up = [one for one in found if one.ending == "given up"]
    assert given_up
    assert all(one.recipe.last_stage_epochs for one in given_up)
    assert all(len(one.losses) < len(found[0].losses) for one in given_up)
    assert best_of(found).loss <= found[0].loss


def test_a_signal_ends_it_within_a_trial() -> None:
    ground, asked = made_ground(), [False]

    def check() -> None:
        if asked[0]:
            raise Interrupted(signal.SIGTERM)

    trials = search(replace(ground, around=replace(ground.around, check_stop=check)), part_of(ground), FAST)
    next(trials)
    asked[0] = True
    with pytest.raises(Interrupted):
        next(trials)
