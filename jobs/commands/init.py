"""The command `init`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.commands.options import FOLDER_OR_URL
from jobs.commands.state import State

if TYPE_CHECKING:
    from pipeline.image_folder import ImageFolder


@click.command()
@click.option(
    "--images",
    type=FOLDER_OR_URL,
    required=True,
    metavar="DIR|URL",
    help="Folder of images; it is only read.",
)
@click.pass_obj
def init(state: State, images: Path | str) -> None:
    """Make a home with a commented whisker.toml.

    The image folder has one sub-folder for each class, or train/ and test/ with such sub-folders. It must be
    there; nothing is trained yet. Settings that exist already are never overwritten.

    \b
    Examples:
      whisker init --images photos
      whisker --home /srv/whisker init --images /srv/photos
      whisker init --images s3://bucket/photos
    """
    from jobs.new_home import make_home

    layout = make_home(state.home, _named(state, images))
    file = state.home.settings_file
    state.answer(
        {"home": str(state.home.folder), "settings": str(file), "classes": layout.classes},
        lambda console: console.print(
            f"made {file} for the classes {', '.join(layout.classes)}; next: run-now, or daemon", markup=False
        ),
    )


def _named(state: State, images: Path | str) -> "ImageFolder":
    """Return the image folder that was named; how a URL is read, the environment says."""
    return images if isinstance(images, Path) else state.config(images=images).images_folder()
