"""Options that several commands have."""

from pathlib import Path
from typing import Any

import click

from jobs.commands.completion import backbones, devices
from jobs.commands.state import FILE


class _FolderOrUrl(click.Path):
    """A folder of this machine, which the shell completes, or the text of a URL, which is no path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, or a URL as it was given."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


FOLDER_OR_URL = _FolderOrUrl(path_type=Path, file_okay=False)
IMAGES = click.option(
    "--images", type=FOLDER_OR_URL, metavar="DIR|URL", help="Folder of images; it is only read."
)
BACKBONE = click.option(
    "--backbone", shell_complete=backbones, help="The pretrained network; `weights list` shows all."
)
WEIGHTS = click.option("--weights", type=FILE, help="A file of pretrained weights for the backbone.")
DEVICE = click.option(
    "--device", shell_complete=devices, help="auto, cpu, gpu, gpu:N, or several such as gpu:0,1."
)
