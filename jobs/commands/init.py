"""The command `init`."""

from pathlib import Path

import click

from jobs.commands.state import FOLDER, State


@click.command()
@click.option("--images", type=FOLDER, required=True, help="Folder of images; it is only read.")
@click.pass_obj
def init(state: State, images: Path) -> None:
    """Make a home with a commented whisker.toml.

    The image folder has one sub-folder for each class, or train/ and test/ with such sub-folders. It must be
    there; nothing is trained yet. Settings that exist already are never overwritten.

    \b
    Examples:
      whisker init --images photos
      whisker --home /srv/whisker init --images /srv/photos
    """
    from jobs.new_home import make_home

    layout = make_home(state.home, images)
    file = state.home.settings_file
    state.answer(
        {"home": str(state.home.folder), "settings": str(file), "classes": layout.classes},
        lambda console: console.print(
            f"made {file} for the classes {', '.join(layout.classes)}; next: run-now, or daemon", markup=False
        ),
    )
