"""Recipes and their settings."""

from dataclasses import asdict, replace

import pytest

from pipeline.errors import BadSettings, UnknownRecipe
from pipeline.recipes import RECIPES, baseline_of, recipe_named, with_settings


def test_classic_is_the_recipe_as_it_was_published() -> None:
    classic = recipe_named("classic")
    assert (classic.backbone, classic.trains, classic.epochs) == ("resnet18_v2", "all layers", 20)
    assert (classic.batch_size, classic.learning_rate, classic.head_learning_rate_factor) == (32, 0.002, 10)
    assert (classic.momentum, classic.weight_decay) == (0, 0)
    assert not classic.horizontal_flip
    assert (classic.baseline_batch_size, classic.baseline_learning_rate) == (32, 0.05)
    assert not classic.center_crop


def test_an_unknown_recipe_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(UnknownRecipe, match=r"'slow'.*fast, classic, thorough$"):
        recipe_named("slow")


def test_the_baseline_trains_all_layers_alike_at_its_own_rate() -> None:
    baseline = baseline_of(recipe_named("fast"))
    assert baseline.trains == "all layers"
    assert (baseline.epochs, baseline.learning_rate, baseline.momentum) == (3, 0.02, 0.9)
    assert (baseline.batch_size, baseline.baseline_batch_size) == (12, 12)
    assert baseline.head_learning_rate_factor == 1


@pytest.mark.parametrize(
    ("recipe", "changes", "epochs"),
    [
        ("classic", {}, 20),
        ("classic", {"epochs": 2}, 2),
        ("classic", {"baseline_epochs": 5}, 5),
        ("fast", {}, 3),
        ("fast", {"baseline_epochs": 0}, 1),
        ("thorough", {}, 3),
        ("thorough", {"baseline_epochs": 0, "epochs": 5}, 5),
    ],
)
def test_zero_epochs_give_the_baseline_as_many_passes_as_the_fine_tuning(
    recipe: str, changes: dict[str, object], epochs: int
) -> None:
    baseline = baseline_of(with_settings(recipe_named(recipe), changes, where="here"))
    assert (baseline.epochs, baseline.baseline_epochs) == (epochs, epochs)


def test_the_epochs_of_thorough_are_those_of_all_layers_and_not_of_its_head() -> None:
    fast, thorough = (replace(recipe_named(name), epochs=3) for name in ("fast", "thorough"))
    assert (fast.head_iterations, thorough.head_iterations) == (3, 100)


def test_thorough_trains_no_last_stage_of_its_own() -> None:
    with pytest.raises(BadSettings, match="last_stage_epochs is of no use to thorough"):
        with_settings(recipe_named("thorough"), {"last_stage_epochs": 1}, where="here")


def test_the_baseline_of_thorough_is_that_of_fast_with_the_same_flips_and_crops() -> None:
    fast, thorough = (baseline_of(recipe_named(name)) for name in ("fast", "thorough"))
    same = replace(thorough, name="fast", horizontal_flip=False, least_crop=1.0)
    assert same == fast
    assert (thorough.horizontal_flip, thorough.least_crop) == (True, recipe_named("thorough").least_crop)


def test_the_batches_of_the_fine_tuning_and_of_the_baseline_are_set_apart() -> None:
    fast = recipe_named("fast")
    assert baseline_of(replace(fast, batch_size=7)) == baseline_of(fast)
    assert baseline_of(replace(fast, baseline_batch_size=7)).batch_size == 7


def test_the_baseline_is_trained_in_the_precision_of_the_recipe() -> None:
    assert baseline_of(replace(recipe_named("classic"), precision="bfloat16")).precision == "bfloat16"


def test_every_setting_can_be_given_as_text_and_as_a_value() -> None:
    for recipe in RECIPES.values():
        values = {name: value for name, value in asdict(recipe).items() if name not in ("name", "trains")}
        texts = {n: ",".join(map(str, v)) if isinstance(v, tuple) else str(v) for n, v in values.items()}
        assert with_settings(recipe, values, where="here") == recipe
        assert with_settings(recipe, dict(texts), where="here") == recipe


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"learning_rat": 1},
            r"no setting 'learning_rat' .did you mean 'learning_rate'..; known are .*learning_rate",
        ),
        ({"name": "x"}, "no setting 'name'"),
        ({"epochs": "many"}, "epochs = 'many' is not a whole number"),
        ({"epochs": 0}, "epochs = 0 is not at least 1"),
        ({"baseline_batch_size": 0}, "baseline_batch_size = 0 is not at least 1"),
        ({"epochs": True}, "epochs = True is not a whole number"),
        ({"batch_size": 2.5}, "batch_size = 2.5 is not a whole number"),
        ({"learning_rate": "nan"}, "is not a finite number"),
        ({"learning_rate": -1}, "is not a finite number of at least 0"),
        ({"learning_rate": 0}, "is not greater than 0"),
        ({"momentum": 1}, "is not below 1"),
        ({"horizontal_flip": "perhaps"}, "is not true or false"),
        ({"head_strengths": []}, "is empty"),
        ({"head_strengths": "1,x"}, "is not a list of numbers"),
        ({"head_strengths": [0.0]}, "is not greater than 0"),
        ({"validation_share": 0}, "is not greater than 0"),
        ({"precision": "float64"}, "precision = 'float64' is not one of float32, bfloat16, float16"),
        ({"precision": 16}, "precision = 16 is not one of float32"),
        ({"precision": ["float32"]}, "is not one of float32"),
        ({"test_time_flip": True, "last_stage_epochs": 1}, "test_time_flip and last_stage_epochs cannot go"),
        ({"least_crop": 0}, "is not greater than 0"),
        ({"least_crop": 1.1}, "is greater than 1"),
        ({"average_decay": 1}, "is not below 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence_with_the_place(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadSettings, match=f"^in this file: .*{sentence}"):
        with_settings(recipe_named("fast"), changes, where="in this file")
