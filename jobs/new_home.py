"""Make a home with a commented settings file."""

from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from jobs.home import Home
from jobs.settings.own_recipe import toml_value
from pipeline.errors import BadSettings
from pipeline.image_folder import ImageFolder
from pipeline.layout import Layout, find_layout
from pipeline.publish import write_whole
from pipeline.recipes import RECIPES


def make_home(home: Home, images: ImageFolder) -> Layout:
    """Make the folder and its `whisker.toml`; return how the image folder is laid out.

    Raises:
        BadSettings: it has settings already, which are never overwritten.
        DataError: the image folder cannot be used.
    """
    layout = find_layout(images)
    if home.settings_file.exists():
        raise BadSettings(f"{home.settings_file} exists already; edit it, or choose another --home")
    home.create(images)
    write_whole(home.settings_file, settings_text(images).encode())
    home.settings_file.chmod(0o600)  # one that others may write is refused
    return layout


def settings_text(images: ImageFolder) -> str:
    """Return a settings file in which everything but the image folder is a commented default."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    place = images.absolute() if isinstance(images, Path) else images
    template = files("templates").joinpath("whisker.toml").read_text(encoding="utf-8")
    recipes = [{"name": recipe.name, "settings": _as_toml(asdict(recipe))} for recipe in RECIPES.values()]
    return environment.from_string(template).render(images=str(place), recipes=recipes)


def _as_toml(settings: dict[str, object]) -> list[tuple[str, str]]:
    """Return the settings of a recipe as TOML values."""
    return [(name, toml_value(value)) for name, value in settings.items() if name not in ("name", "trains")]
