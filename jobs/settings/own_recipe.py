"""Recipes of a home's own: each is a file recipes/NAME.toml with what it changes of one of Whisker's."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from jobs.home import Home
from jobs.settings.checks import unknown
from jobs.settings.file import Document, read_document
from jobs.settings.given import RECIPE_TABLE, Collected, Given
from jobs.settings.setting import as_written
from pipeline.errors import BadSettings
from pipeline.recipes import RECIPES, Recipe

BASE = "base"  # the key that names the recipe of Whisker's
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def file_of(settings_file: Path, name: str) -> Path:
    """Return the file of a recipe of the home's own, whether it is there or not.

    Raises:
        BadSettings: no recipe of the home's own can have this name.
    """
    if name in RECIPES:
        raise BadSettings(f"{as_written(name)} is a recipe of Whisker's; give yours another name")
    if not _NAME.fullmatch(name):
        raise BadSettings(
            f"{as_written(name)} is no name for a recipe; use at most 40 small letters, digits and -, "
            "and begin with a letter"
        )
    return _folder(settings_file) / f"{name}.toml"


def names_of(settings_file: Path) -> list[str]:
    """Return the names of the home's own recipes."""
    found = (file.stem for file in files_in(settings_file))
    return [name for name in found if _NAME.fullmatch(name) and name not in RECIPES]


def files_in(settings_file: Path) -> list[Path]:
    """Return the files of recipes beside a settings file, by name, whether they can be used or not."""
    return sorted(_folder(settings_file).glob("*.toml"))


def collect_own_recipe(settings_file: Path, found: Collected) -> dict[str, str]:
    """Take what is set out of the file of the chosen recipe, if that is one of the home's own.

    Returns:
        Its name, and that of the recipe of Whisker's which it changes; nothing where there is none.
    """
    chosen = next((item for item in reversed(found.given) if item.name == "recipe"), None)
    if chosen is None or not isinstance(chosen.value, str):
        return {}
    name = chosen.value
    file = _folder(settings_file) / f"{name}.toml" if _NAME.fullmatch(name) else None
    if file is None or not file.is_file():
        if name not in RECIPES:
            found.problems.append(f"{chosen.where}: {_unknown('recipe', name, names_of(settings_file))}")
        return {}
    if name in RECIPES:
        found.problems.append(f"{file} is not used, since {name!r} is a recipe of Whisker's; rename it")
        return {}
    try:
        return _collect(name, read_document(file), found)
    except BadSettings as error:
        found.problems.append(str(error))
        return {}


def _collect(name: str, document: Document, found: Collected) -> dict[str, str]:
    base = document.values.get(BASE)
    if not (isinstance(base, str) and base in RECIPES):
        said = _unknown(BASE, base) if BASE in document.values else f'it has no line such as {BASE} = "fast"'
        found.problems.append(f"{document.where((BASE,))}: {said}")
        return {}
    # In front, since a variable of the environment wins over it.
    found.given[:0] = [
        Given(f"{RECIPE_TABLE}.{name}.{key}", value, "file", document.where((key,)))
        for key, value in document.values.items()
        if key != BASE
    ]
    return {name: base}


def _unknown(key: str, value: object, more: Iterable[str] = ()) -> str:
    return f"{key} = {as_written(value)} {unknown(value, (*RECIPES, *more))}"


def recipe_text(recipe: Recipe, base: str, comments: Iterable[str]) -> str:
    """Return the file of a recipe of the home's own: comments, and what it changes of one of Whisker's."""
    before, after = asdict(RECIPES[base]), asdict(recipe)
    changed = {name: value for name, value in after.items() if name != "name" and value != before[name]}
    lines = [*(f"# {comment}" for comment in comments), f"{BASE} = {toml_value(base)}"]
    return "\n".join([*lines, *(f"{name} = {toml_value(value)}" for name, value in changed.items())]) + "\n"


def toml_value(value: object) -> str:
    """Return a setting of a recipe as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _folder(settings_file: Path) -> Path:
    return Home(settings_file.parent).recipes
