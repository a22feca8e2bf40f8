"""What somebody set, in whisker.toml or in the environment, with its place; and what no setting is called."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jobs.config import Config
from jobs.settings.file import Document, Keys
from jobs.settings.setting import PREFIX, settings_of
from pipeline.did_you_mean import did_you_mean
from pipeline.recipes import RECIPES

RECIPE_TABLE = "recipes"
OTHER_VARIABLES = frozenset(  # of the environment, that are no settings
    {
        "WHISKER_HOME",  # for --home
        "WHISKER_HOST_NAME",  # see jobs/watching/process_identity.py
        "WHISKER_TOKEN",  # for serve --token
        "WHISKER_WEBHOOK_SECRET",  # kept out of a file that may be shown
        "WHISKER_CATDOG",  # the photos of tests and benchmarks
        "WHISKER_FAILPOINT",  # see pipeline/failpoint.py
        "WHISKER_STARTED_AGAIN",  # see jobs/again.py
        "WHISKER_RENEW_GOLD",  # tests
    }
)
Source = Literal["default", "file", "environment", "command line"]


@dataclass(frozen=True)
class Given:
    """A value as it was written, not yet checked."""

    name: str  # a field of Config, or recipes.RECIPE.SETTING
    value: object
    source: Source
    where: str  # in words, such as `whisker.toml, line 7`


@dataclass
class Collected:
    """What has been read so far, the strongest last, and the sentences about what is wrong."""

    given: list[Given] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def collect_file(document: Document, found: Collected) -> None:
    """Take what is set out of a settings file."""
    by_keys = {tuple(item.path.split(".")): item.name for item in settings_of(Config).values()}
    tables = {keys[0] for keys in by_keys if len(keys) > 1} | {RECIPE_TABLE}
    for keys, value in _leaves(document.values, tables):
        where = document.where(keys)
        if keys in by_keys or _is_of_recipe(keys):
            found.given.append(Given(by_keys.get(keys, ".".join(keys)), value, "file", where))
        elif keys[0] == RECIPE_TABLE and isinstance(value, dict):
            found.problems.append(f"{where}: {no_recipe(keys[1])}")
        elif keys in {(table,) for table in tables} or keys[0] == RECIPE_TABLE:
            found.problems.append(f"{where}: {'.'.join(keys)} is not a table")
        else:
            found.problems.append(f"{where}: {_unknown(keys, by_keys)}")


def collect_environment(environment: Mapping[str, str], found: Collected) -> None:
    """Take what is set out of the variables WHISKER_SETTING and WHISKER_RECIPES__RECIPE__SETTING."""
    by_variable = {item.variable: item.name for item in settings_of(Config).values()}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES:
            continue
        keys = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        where = f"environment, {variable}"
        if variable in by_variable or _is_of_recipe(keys):
            name = by_variable.get(variable, ".".join(keys))
            found.given.append(Given(name, text, "environment", where))
        else:
            question = did_you_mean(variable, by_variable)
            found.problems.append(f"{where}: no setting has this name{question}")


def no_recipe(name: str) -> str:
    """Return the sentence about a recipe that there is not."""
    question = did_you_mean(name, RECIPES)
    return f"there is no recipe {name!r} to set{question}; there are {', '.join(RECIPES)}"


def _leaves(values: Mapping[str, Any], tables: Collection[str]) -> Iterator[tuple[Keys, object]]:
    """Yield the values of a document with their keys, looking into the tables that are known."""
    for name, value in values.items():
        if not (name in tables and isinstance(value, dict)):
            yield (name,), value
        elif name != RECIPE_TABLE:
            yield from (((name, key), inner) for key, inner in value.items())
        else:
            yield from _leaves_of_recipes(value)


def _leaves_of_recipes(recipes: Mapping[str, Any]) -> Iterator[tuple[Keys, object]]:
    for recipe, settings in recipes.items():
        if recipe in RECIPES and isinstance(settings, dict):
            yield from (((RECIPE_TABLE, recipe, key), value) for key, value in settings.items())
        else:
            yield (RECIPE_TABLE, recipe), settings


def _is_of_recipe(keys: Keys) -> bool:
    return keys[0] == RECIPE_TABLE and len(keys) == 3


def _unknown(keys: Keys, known: Iterable[Keys]) -> str:
    """Return the sentence about a name that no setting has."""
    *tables, key = keys
    unknown = f"unknown setting {key!r}" + "".join(f" in [{table}]" for table in tables)
    for other in known:
        if other[-1] == key:
            right = f"in [{other[0]}]" if len(other) > 1 else "above the first table"
            return f"{unknown}; it belongs {right}"
    beside = {other[len(tables)] for other in known if [*other[: len(tables)]] == tables}
    return unknown + did_you_mean(key, sorted(beside))
