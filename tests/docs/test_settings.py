"""docs/SETTINGS.md has every setting with its default, and no document names one that does not exist."""

import json
import re
from dataclasses import asdict

import pytest

from jobs.config import Config
from jobs.settings.given import OTHER_VARIABLES
from jobs.settings.setting import settings_of
from pipeline.recipes import RECIPES
from tests.docs.markdown import DOCUMENTS, tables

SETTINGS = DOCUMENTS["docs/SETTINGS.md"]
OF_HOME = {setting.path: setting for setting in settings_of(Config).values()}
OF_RECIPES = {name: asdict(recipe) for name, recipe in RECIPES.items()}
OF_KUBERNETES = "WHISKER_SERVICE_HOST"  # which is none of ours, and therefore spoken of
# Arguments of Python, of the web app, and what begins a recipe of a home's own.
NO_SETTINGS = {"allow_pickle", "shell", "heat_map", "picture", "base"}
FIXED = {"name", "trains"}  # what makes a recipe what it is


def as_shown(value: object) -> str:
    """Return a default as the table shows it."""
    return "none" if value is None else f"`{json.dumps(value)}`"


def test_every_setting_of_a_home_is_there_with_its_default_and_its_variable() -> None:
    head, *rows = next(tables(SETTINGS))
    assert head == ["setting", "default", "meaning", "variable"]
    defaults = {path: getattr(Config(), setting.name) for path, setting in OF_HOME.items()}
    assert [(name, default, variable) for name, default, _, variable in rows] == [
        (f"`{path}`", as_shown(defaults[path]), f"`{setting.variable}`") for path, setting in OF_HOME.items()
    ]
    assert all(meaning for _, _, meaning, _ in rows)


def test_every_setting_of_a_recipe_is_there_with_its_defaults() -> None:
    _, (head, *rows) = tables(SETTINGS)
    names = [cell.strip("`") for cell in head[1:-1]]
    assert names == list(RECIPES)
    shown = {row[0].strip("`"): [c.replace("the same", row[1]) for c in row[1:-1]] for row in rows}
    assert shown == {
        name: [as_shown(OF_RECIPES[recipe][name]) for recipe in names]
        for name in OF_RECIPES["fast"]
        if name not in FIXED
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_variables_and_settings_of_a_document_exist(name: str) -> None:
    text = DOCUMENTS[name].read_text(encoding="utf-8")
    variables = {setting.variable for setting in OF_HOME.values()} | OTHER_VARIABLES | {OF_KUBERNETES}
    for variable in re.findall(r"\bWHISKER_[A-Z_]*[A-Z]\b", text):
        if variable.startswith("WHISKER_RECIPES__"):
            _, recipe, key = variable.lower().split("__")
            assert key in OF_RECIPES[recipe], variable
        else:
            assert variable in variables, variable
    keys = {setting.key for setting in OF_HOME.values()} | set(OF_RECIPES["fast"]) | NO_SETTINGS
    for setting in re.findall(r"`(?:--set )?([a-z_]+) ?= ?[\w\"\[.]", text):
        assert setting in keys, setting
