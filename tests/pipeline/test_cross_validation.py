"""Judging a recipe by trainings that have not seen the image."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.cross_validation import Ground, folds_of, out_of_fold_logits, strength_of
from pipeline.errors import TrainingDiverged
from pipeline.features import held_out_part
from pipeline.head import held_out_losses
from pipeline.parts import deal
from pipeline.recipes import Recipe, recipe_named
from tests.pipeline.grounds import made_ground

FAST = recipe_named("fast")
DEEP = replace(FAST, head_strengths=(0.01,), last_stage_epochs=1, batch_size=8)


def logits(ground: Ground, recipe: Recipe, folds: int = 3) -> list[Array]:
    part = deal(ground.train.images, [], folds)
    return list(out_of_fold_logits(ground, recipe, folds_of(part, range(folds), range(folds))))


def test_a_fold_is_trained_on_the_other_parts_that_are_named() -> None:
    part = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    (first, second) = folds_of(part, [0, 1], [0, 1, 2])
    assert (first.rows.tolist(), first.judged.tolist()) == ([1, 2, 5, 6], [0, 4])
    assert (second.rows.tolist(), second.judged.tolist()) == ([0, 2, 4, 6], [1, 5])


@pytest.mark.parametrize("recipe", [FAST, DEEP])
def test_the_label_of_an_image_says_nothing_in_its_own_judgement(recipe: Recipe) -> None:
    ground = made_ground()
    judged = deal(ground.train.images, [], 3) == 0
    labels = np.where(judged, 1 - ground.train.labels, ground.train.labels)
    flipped = replace(ground, train=replace(ground.train, labels=labels))
    before, after = logits(ground, recipe), logits(flipped, recipe)
    assert (before[0] == after[0]).all()
    assert not (before[1] == after[1]).all(), "the others were trained on these labels"


def test_the_strength_is_chosen_as_a_run_with_these_images_chooses_it() -> None:
    ground, rows = made_ground(), np.arange(0, 64, 3)
    images = [ground.train.images[row] for row in rows]
    tried = held_out_losses(
        ground.train.pooled[rows], ground.train.labels[rows], held_out_part(images, 0.2), 2,
        FAST.head_strengths, FAST.epochs,
    )  # fmt: skip
    assert strength_of(ground, FAST, rows) == min(tried, key=lambda pair: pair[1])[0]
    assert strength_of(ground, DEEP, rows) == 0.01


def test_a_trained_last_stage_says_something_else_and_stays_as_it_was() -> None:
    ground = made_ground()
    before = {name: p.data().asnumpy() for name, p in ground.last_stage.collect_params().items()}
    frozen, trained = logits(ground, replace(DEEP, last_stage_epochs=0)), logits(ground, DEEP)
    assert [part.shape for part in trained] == [part.shape for part in frozen]
    assert not np.allclose(trained[0], frozen[0])
    with pytest.raises(TrainingDiverged, match="choose a smaller last_stage_learning_rate"):
        logits(ground, replace(DEEP, last_stage_epochs=3, last_stage_learning_rate=1e30))
    for name, parameter in ground.last_stage.collect_params().items():
        assert (parameter.data().asnumpy() == before[name]).all(), name
