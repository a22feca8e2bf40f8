"""Options that several commands have."""

import click

from jobs.commands.completion import backbones, devices
from jobs.commands.state import FILE, FOLDER

IMAGES = click.option("--images", type=FOLDER, help="Folder of images; it is only read.")
BACKBONE = click.option(
    "--backbone", shell_complete=backbones, help="The pretrained network; `weights list` shows all."
)
WEIGHTS = click.option("--weights", type=FILE, help="A file of pretrained weights for the backbone.")
DEVICE = click.option("--device", shell_complete=devices, help="auto, cpu, gpu or gpu:N.")
