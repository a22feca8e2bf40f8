"""The command that trains a model again as a cycle did."""

from collections.abc import Iterator
from dataclasses import fields

from pipeline.recipes import RECIPES, Recipe
from pipeline.records import Run
from pipeline.report.words import shell_word

# What has an option of its own, what names the recipe, and what belongs to it unchangeably.
NOT_SET = {"backbone", "name", "trains"}


def command_of(folder: str, run: Run) -> str:
    """Return the command line, ready for bash, that trains on `folder` with the settings of a fine-tune.

    Only settings that are not the recipe's own are given, and only those that recipes have today. A recipe of
    the home's own, whose file may change, is given as one of Whisker's and what it changes of that.
    """
    recipe = _recipe(run)
    options = {
        "images": folder,
        "recipe": recipe.name if recipe else run.recipe,
        "backbone": run.backbone,
        "device": run.device,
        "seed": str(run.seed),
    }
    words = [f"--{name} {shell_word(value)}" for name, value in options.items()]
    return " ".join(["cli.py run-now", *words, *(f"--set {shell_word(s)}" for s in _changed_settings(run))])


def _recipe(run: Run) -> Recipe | None:
    """Return the recipe of Whisker's that a run's settings are given as changes of; None if there is none."""
    if run.kind == "scratch":  # a baseline's settings follow from those of the fine-tune
        return None
    alike = (recipe for recipe in RECIPES.values() if recipe.trains == run.settings.get("trains"))
    return RECIPES.get(run.recipe) or next(alike, None)


def _changed_settings(run: Run) -> Iterator[str]:
    recipe = _recipe(run)
    if recipe is None:
        return
    for field in fields(Recipe):
        name = field.name
        if name in run.settings and name not in NOT_SET:
            value = _in_words(run.settings[name])
            if value != _in_words(getattr(recipe, name)):
                yield f"{name}={value}"


def _in_words(value: object) -> str:
    """Return a setting as `--set` takes it; JSON has made lists of the tuples."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(_in_words(item) for item in value)
    return str(value)
