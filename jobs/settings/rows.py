"""What the command `config` shows: each setting, its value, and where it was set."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.config import Config
from jobs.redaction import without_secrets
from jobs.settings.given import RECIPE_TABLE, Source
from jobs.settings.load import Loaded
from jobs.settings.setting import settings_of
from pipeline.recipes import RECIPES
from pipeline.remote.folder import RemoteFolder


@dataclass(frozen=True)
class Row:
    """One setting; its value is fit for JSON, and shows no secret."""

    name: str  # as in whisker.toml, such as daemon.every
    value: Any
    source: Source
    where: str  # in words


def rows_of(loaded: Loaded) -> list[Row]:
    """Return all settings, those of the chosen recipe and of others that were changed included."""
    return [*_rows_of_config(loaded), *_rows_of_recipes(loaded)]


def _rows_of_config(loaded: Loaded) -> Iterator[Row]:
    for name, setting in settings_of(Config).items():
        value = getattr(loaded.config, name)
        yield _row(loaded, name, setting.path, _without_secrets(value) if setting.secret else value)


def _rows_of_recipes(loaded: Loaded) -> Iterator[Row]:
    config = loaded.config
    for recipe in (*RECIPES, *config.own_recipes):
        if recipe != config.recipe and recipe not in config.recipe_settings:
            continue
        for name, value in asdict(config.recipe_as_set(recipe)).items():
            if name not in ("name", "trains"):
                path = f"{RECIPE_TABLE}.{recipe}.{name}"
                yield _row(loaded, path, path, value)


def _row(loaded: Loaded, name: str, path: str, value: Any) -> Row:
    if isinstance(value, Path | RemoteFolder):
        value = str(value)
    value = list(value) if isinstance(value, tuple) else value
    given = loaded.given.get(name)
    return Row(path, value, given.source, given.where) if given else Row(path, value, "default", "default")


def _without_secrets(value: str | tuple[str, ...]) -> Any:
    return without_secrets(value) if isinstance(value, str) else [without_secrets(text) for text in value]
