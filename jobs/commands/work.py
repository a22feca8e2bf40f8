"""The command `work`: take chunks of a cycle's work."""

from pathlib import Path

import click

from jobs.commands.options import DEVICE, IMAGES
from jobs.commands.state import State
from pipeline.errors import UnfitWorker


@click.command()
@IMAGES
@DEVICE
@click.option("--once", is_flag=True, help="End after one chunk, or where there is none.")
@click.option("--until-idle", is_flag=True, help="End when no cycle shares its work.")
@click.pass_obj
def work(state: State, images: Path | None, device: str | None, once: bool, until_idle: bool) -> None:
    """Take part in the work of cycles on other hosts: read new files, compute features.

    Start it on each host that should help, with the same home and the same database as the cycle; --images
    says where the images lie on this host. It waits for work until Ctrl-C or SIGTERM; a chunk that it has
    begun is then given back. Kill it or lose its host, and its chunk is done by somebody else.

    \b
    Examples:
      whisker work
      whisker work --images /mnt/photos
      whisker work --until-idle

    \b
    Exit status:
      0    stopped, or with --once and --until-idle: nothing was left to do
      2    it can take no part, as with another program or home than the cycle
    """
    from jobs.sharing.worker import work as run

    config = state.config(images=images, device=device)
    with state.at_work() as (flag, progress):
        worked = run(state.home, config, flag, progress, once=once, until_idle=until_idle)
    if worked.refused and not worked.chunks:
        raise UnfitWorker(worked.refused[-1])
    document = {"chunks": worked.chunks, "refused": list(worked.refused)}
    state.answer(document, lambda console: console.print(f"{worked.chunks:,} chunks done"))
