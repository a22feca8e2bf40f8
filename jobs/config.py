"""Settings: `whisker.toml` in the home, under what the command line says; all of it checked at once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from jobs.schedule import parse_cron, parse_interval, parse_quiet_hours
from pipeline.backbones import backbone_named
from pipeline.device import parse_device
from pipeline.engine_settings import ENGINE_SETTINGS
from pipeline.errors import BadSettings
from pipeline.recipes import RECIPES, Recipe, recipe_named, with_settings


@dataclass(frozen=True)
class PromotionSettings:
    """When a cycle may replace the champion."""

    margin: float  # the least gain in accuracy, 0..1
    auto: bool  # False: a person promotes


@dataclass(frozen=True)
class Config:
    """All settings of a home."""

    images: Path | None = None
    recipe: str = "fast"
    backbone: str = ""  # "": the recipe's own
    device: str = "auto"
    engine: str = "auto"  # of frozen layers on the CPU
    cache_gb: float = 4.0  # the most that the cache of features may hold; 0: no cache
    seed: int = 0
    baseline: bool = True
    test_fraction: float = 0.2
    settle_seconds: float = 5.0
    min_new_images: int = 1
    max_wait: str = "1h"  # then fewer will do, and files that never settle hold nobody up
    quiet_hours: str = ""  # such as "22:00-06:00", by the clock of the machine
    loss_limit: float = 0.5  # share of the images that may be gone without asking
    promotion_margin: float = 0.001  # the least gain in accuracy for which the champion is replaced
    auto_promote: bool = True
    every: str = "10m"
    cron: str = ""
    recipe_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # recipe -> changes

    def resolved_recipe(self, overrides: Mapping[str, object] | None = None) -> Recipe:
        """Return the chosen recipe with the settings of the file, then `overrides` (of the command line).

        Raises:
            UnknownRecipe, UnknownBackbone, BadSettings: a name or value is wrong.
        """
        recipe = recipe_named(self.recipe)
        changes = dict(self.recipe_settings.get(recipe.name, {}))
        recipe = with_settings(recipe, changes, where=f"whisker.toml, [recipes.{recipe.name}]")
        if self.backbone:
            recipe = replace(recipe, backbone=self.backbone)
        recipe = with_settings(recipe, dict(overrides or {}), where="the command line")
        backbone_named(recipe.backbone)
        return recipe

    def promotion(self) -> PromotionSettings:
        """Return when a cycle may replace the champion."""
        return PromotionSettings(self.promotion_margin, self.auto_promote)

    def max_wait_seconds(self) -> float:
        """Return `max_wait` in seconds."""
        return parse_interval(self.max_wait).total_seconds()

    def images_folder(self) -> Path:
        """Return the image folder as an absolute path.

        Raises:
            BadSettings: none was given.
        """
        if self.images is None:
            raise BadSettings("no image folder is set; give --images DIR, or `images` in whisker.toml")
        return self.images.absolute()


_DAEMON = ("every", "cron")
_TYPES: dict[str, tuple[type, ...]] = {
    "images": (str,), "recipe": (str,), "backbone": (str,), "device": (str,), "seed": (int,),
    "baseline": (bool,), "test_fraction": (float, int), "settle_seconds": (float, int),
    "min_new_images": (int,), "every": (str,), "cron": (str,),
    "engine": (str,), "cache_gb": (float, int),
    "max_wait": (str,), "quiet_hours": (str,), "loss_limit": (float, int),
    "promotion_margin": (float, int), "auto_promote": (bool,),
}  # fmt: skip


def load_config(file: Path) -> Config:
    """Read and check the settings; the defaults where there is no file.

    A relative `images` is meant relative to the file's folder.

    Raises:
        BadSettings: the file is no TOML, or holds something unknown or unfitting; all errors at once.
    """
    if not file.exists():
        return Config()
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSettings(f"{file} cannot be read: {error}") from error
    values, problems = _flatten(document)
    problems += [problem for name, value in values.items() if (problem := _wrong_type(name, value))]
    if problems:
        raise BadSettings(f"{file}: {'; '.join(problems)}")
    if "images" in values:
        values["images"] = file.parent / Path(values["images"]).expanduser()
    config = Config(**values)
    check(config, where=str(file))
    return config


def _flatten(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings by their names in Config, and what is unknown."""
    top = set(_TYPES) - set(_DAEMON)
    daemon, recipes = document.pop("daemon", {}), document.pop("recipes", {})
    tables = {"daemon": daemon, "recipes": recipes}
    if isinstance(recipes, dict):
        tables |= {f"recipes.{name}": recipe for name, recipe in recipes.items()}
    if wrong := [f"{name} is not a table" for name, table in tables.items() if not isinstance(table, dict)]:
        return {}, wrong
    problems = [f"unknown setting {name!r}" for name in document if name not in top]
    problems += [f"unknown setting {name!r} in [daemon]" for name in daemon if name not in _DAEMON]
    problems += [
        f"there is no recipe {name!r} to set in [recipes.{name}]" for name in recipes if name not in RECIPES
    ]
    return {**document, **daemon, "recipe_settings": recipes}, problems


def _wrong_type(name: str, value: Any) -> str | None:
    allowed = _TYPES.get(name)
    if allowed is None or type(value) in allowed:
        return None
    return f"{name} = {value!r} is not of type {' or '.join(kind.__name__ for kind in allowed)}"


def with_overrides(config: Config, **given: Any) -> Config:
    """Return the settings with those of the command line, where one was given (is not None)."""
    known = {item.name for item in fields(Config)}
    changed = {name: value for name, value in given.items() if value is not None and name in known}
    config = replace(config, **changed)
    check(config, where="the command line")
    return config


def check(config: Config, *, where: str) -> None:
    """Check all values against each other and their ranges.

    Raises:
        BadSettings, UnknownRecipe, UnknownBackbone: something does not fit.
    """
    parse_device(config.device)
    if config.engine not in ENGINE_SETTINGS:
        raise BadSettings(
            f"{where}: engine = {config.engine!r} is unknown; use one of {', '.join(ENGINE_SETTINGS)}"
        )
    if not 0 <= config.cache_gb <= 1_000_000:
        raise BadSettings(f"{where}: cache_gb = {config.cache_gb} is not between 0 and 1000000")
    config.resolved_recipe()
    if not 0 < config.test_fraction < 1:
        raise BadSettings(f"{where}: test_fraction = {config.test_fraction} is not between 0 and 1")
    if not 0 <= config.settle_seconds <= 86_400:
        raise BadSettings(f"{where}: settle_seconds = {config.settle_seconds} is not between 0 and 86400")
    if config.min_new_images < 1:
        raise BadSettings(f"{where}: min_new_images = {config.min_new_images} is not at least 1")
    if config.seed < 0 or config.seed >= 2**31:
        raise BadSettings(f"{where}: seed = {config.seed} is not between 0 and 2147483647")
    if not 0 < config.loss_limit <= 1:
        raise BadSettings(f"{where}: loss_limit = {config.loss_limit} is not above 0 and at most 1")
    if not 0 <= config.promotion_margin < 1:
        raise BadSettings(
            f"{where}: promotion_margin = {config.promotion_margin} is not a fraction from 0 to below 1,"
            " such as 0.001 for a tenth of a percentage point"
        )
    if config.quiet_hours:
        parse_quiet_hours(config.quiet_hours)
    parse_interval(config.max_wait)
    parse_interval(config.every)
    if config.cron:
        parse_cron(config.cron)
