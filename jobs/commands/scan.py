"""The command `scan`."""

from pathlib import Path

import click

from jobs.commands.options import IMAGES
from jobs.commands.state import State


@click.command()
@IMAGES
@click.option("--explain", is_flag=True, help="List everything in quarantine, and what each rule says.")
@click.pass_obj
def scan(state: State, images: Path | str | None, explain: bool) -> None:
    """Say what is new, changed, gone or in quarantine, and whether a cycle would start.

    Nothing is written and nothing is trained. Without a home, all images are new. The exit status is 3 where
    a person has to decide, as it would be for a cycle.

    \b
    Examples:
      whisker scan
      whisker scan --explain
      whisker scan --images photos
      whisker --json scan
    """
    from jobs.display import show_look
    from jobs.documents import scan_document
    from jobs.glance import glance

    with state.at_work() as (flag, progress):
        look = glance(state.home, state.config(images=images), flag, progress)
    state.answer(scan_document(look), lambda console: show_look(console, look, explain=explain))
