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

    Only settings that are not the recipe's own are given, and only those that recipes have today.
    """
    options = {
        "images": folder,
        "recipe": run.recipe,
        "backbone": run.backbone,
        "device": run.device,
        "seed": str(run.seed),
    }
    words = [f"--{name} {shell_word(value)}" for name, value in options.items()]
    return " ".join(["cli.py run-now", *words, *(f"--set {shell_word(s)}" for s in _changed_settings(run))])


def _changed_settings(run: Run) -> Iterator[str]:
    recipe = RECIPES.get(run.recipe)
    if recipe is None or run.kind == "scratch":  # a baseline's settings follow from those of the fine-tune
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
