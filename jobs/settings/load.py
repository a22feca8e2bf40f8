"""Put the settings together: defaults < whisker.toml < environment < command line; all is checked at once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs.config import Config
from jobs.home import Home
from jobs.image_folder import connected
from jobs.settings.file import read_document
from jobs.settings.given import RECIPE_TABLE, Collected, Given, collect_environment, collect_file, no_recipe
from jobs.settings.own_recipe import collect_own_recipe
from jobs.settings.setting import settings_of
from pipeline.backbones import backbone_named
from pipeline.errors import BadSettings, WhiskerError
from pipeline.recipes import RECIPES, recipe_named, with_settings


@dataclass(frozen=True)
class Loaded:
    """The settings that hold, and who gave each that is not the default."""

    config: Config
    given: Mapping[str, Given]  # by name


def load_config(file: Path, environment: Mapping[str, str] | None = None, **options: Any) -> Config:
    """Return the settings of a home, see `load_settings`."""
    return load_settings(file, environment, **options).config


def load_settings(file: Path, environment: Mapping[str, str] | None = None, **options: Any) -> Loaded:
    """Read and check all settings of a home.

    Args:
        file: whisker.toml; it need not exist. A relative path in it is meant relative to its folder.
        environment: by default that of this process.
        options: of the command line, by their names in Config; None where one was not given.

    Raises:
        BadSettings: something is unknown or does not fit; the message has a line for each fault.
    """
    found = Collected()
    collect_file(read_document(file), found)
    collect_environment(os.environ if environment is None else environment, found)
    found.given += [
        Given(name, value, "command line", "command line")
        for name, value in options.items()
        if value is not None
    ]
    own = collect_own_recipe(file, found)
    values = dict(_checked(found, file.parent, {name: name for name in RECIPES} | own))
    if found.problems:
        raise BadSettings("\n".join(found.problems))
    recipes = {recipe: _changes(recipe, found) for recipe in (*RECIPES, *own)}
    changes = {name: some for name, some in recipes.items() if some}
    config = replace(Config(**values), recipe_settings=changes, own_recipes=own)
    config.cluster()  # its settings must fit each other
    config = connected(config, Home(file.parent))
    return Loaded(config, {item.name: item for item in found.given})


def _checked(found: Collected, folder: Path, bases: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the settings in their types, the strongest last; note what does not fit."""
    known = settings_of(Config)
    for item in found.given:
        try:
            if item.name not in known:
                _check_of_recipe(item, bases)
                continue
            base = folder if item.source == "file" else Path()
            value = known[item.name].typed(item.value, as_text=item.source == "environment", folder=base)
        except ValueError as error:
            found.problems.append(f"{item.where}: {error}")
        except WhiskerError as error:
            found.problems.append(str(error))
        else:
            yield item.name, value


def _check_of_recipe(item: Given, bases: Mapping[str, str]) -> None:
    _, recipe, name = item.name.split(".", 2)
    if recipe not in bases:
        raise ValueError(no_recipe(recipe))
    changed = with_settings(recipe_named(bases[recipe]), {name: item.value}, where=item.where)
    try:
        backbone_named(changed.backbone)
    except WhiskerError as error:
        raise ValueError(str(error)) from None


def _changes(recipe: str, found: Collected) -> dict[str, object]:
    """Return what was set of a recipe."""
    prefix = f"{RECIPE_TABLE}.{recipe}."
    return {
        item.name.removeprefix(prefix): item.value for item in found.given if item.name.startswith(prefix)
    }
