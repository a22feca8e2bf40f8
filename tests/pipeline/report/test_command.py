import json
import shlex
from dataclasses import asdict, replace
from itertools import pairwise

import pytest

from pipeline.recipes import RECIPES, baseline_of, recipe_named, with_settings
from pipeline.report.command import command_of
from tests.pipeline.example_hostile import CANARY
from tests.pipeline.example_runs import example_run

CHANGES: dict[str, object] = {
    "epochs": 7,
    "center_crop": True,
    "head_strengths": (0.1, 1e-05),
    "weight_decay": 0.0001,
}


def settings_in(command: str) -> dict[str, str]:
    words = shlex.split(command)
    given = [value for option, value in pairwise(words) if option == "--set"]
    return dict(setting.split("=", 1) for setting in given)


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_as_it_is_needs_no_setting(name: str) -> None:
    stored = json.loads(json.dumps(asdict(recipe_named(name))))

    assert (
        settings_in(command_of("/srv/photos", example_run("finetune", 1, recipe=name, settings=stored))) == {}
    )


@pytest.mark.parametrize("name", RECIPES)
def test_the_settings_given_make_the_very_recipe_that_was_stored(name: str) -> None:
    changed = with_settings(recipe_named(name), CHANGES, where="here")
    stored = json.loads(json.dumps(asdict(changed)))
    given = settings_in(command_of("/p", example_run("finetune", 1, recipe=name, settings=stored)))

    assert set(given) == set(CHANGES)
    assert with_settings(recipe_named(name), {**given}, where="here") == changed


def test_the_seed_and_the_folder_are_given_as_they_were() -> None:
    words = shlex.split(command_of("/srv/my photos", example_run("finetune", 1, seed=5)))

    assert words[:4] == ["cli.py", "run-now", "--images", "/srv/my photos"]
    assert words[words.index("--seed") + 1] == "5"


def test_what_recipes_do_not_have_today_is_not_given() -> None:
    settings = {"name": "fast", "trains": "all layers", "backbone": "other", CANARY: 1, "dropout": 0.5}

    assert settings_in(command_of("/p", example_run("finetune", 1, settings=settings))) == {}
    unknown = {"trains": CANARY, "epochs": 5}
    assert settings_in(command_of("/p", example_run("finetune", 1, recipe=CANARY, settings=unknown))) == {}


def test_a_recipe_of_the_homes_own_is_given_by_what_it_changes() -> None:
    own = with_settings(replace(recipe_named("fast"), name="tuned"), CHANGES, where="here")
    stored = json.loads(json.dumps(asdict(own)))
    command = command_of("/p", example_run("finetune", 1, recipe="tuned", settings=stored))

    assert shlex.split(command)[4:6] == ["--recipe", "fast"]
    assert set(settings_in(command)) == set(CHANGES)


def test_the_settings_of_a_baseline_are_not_taken_for_those_of_a_fine_tune() -> None:
    settings = asdict(baseline_of(recipe_named("fast")))

    assert settings_in(command_of("/p", example_run("scratch", 1, settings=settings))) == {}
