"""The command `tune`."""

from pathlib import Path
from typing import Any

import click

from jobs.commands.completion import recipes
from jobs.commands.options import BACKBONE, DEVICE, IMAGES, WEIGHTS
from jobs.commands.state import State
from pipeline.errors import BadSettings


@click.command()
@IMAGES
@click.option("--minutes", type=click.FloatRange(0), help="Search for so long.  [default: 10]")
@click.option("--trials", type=click.IntRange(1), help="Make so many trials, however long they take.")
@click.option("--name", default="tuned", show_default=True, help="Of the recipe that is made.")
@click.option("--overwrite", is_flag=True, help="A recipe of this name may be there.")
@click.option(
    "--recipe", shell_complete=recipes, help="What to begin with; one that trains on frozen features."
)
@BACKBONE
@WEIGHTS
@click.option("--seed", type=int, help="Of the search and of shuffling.")
@DEVICE
@click.pass_obj
def tune(
    state: State,
    /,
    minutes: float | None,
    trials: int | None,
    name: str,
    overwrite: bool,
    weights: Path | None,
    **given: Any,
) -> None:
    """Search for better settings of a recipe, on training images alone.

    It tries how strongly the head is held back, and whether, how long and how fast the last stage is trained;
    training all layers is out of reach of the cached features that it works on. A recipe is made only of
    settings that are better than those that are there by more than chance explains, on images that the search
    has not seen. No cycle waits for it. Ctrl-C ends it with the best so far, and writes nothing.

    \b
    Examples:
      whisker tune
      whisker tune --images photos --minutes 30 --name photos
      whisker tune --trials 40 --seed 1 && whisker run-now --recipe tuned

    \b
    Exit status:
      0    the search has ended, whether it found something better or not
      75   another search is at work in the home
    """
    from jobs.tune import TuneRequest
    from jobs.tune import tune as search

    if minutes is not None and trials is not None:
        raise BadSettings("give --minutes or --trials, not both: each says when the search ends")
    config = state.config(**given)
    request = TuneRequest(
        state.home,
        config,
        config.resolved_recipe(),
        name,
        minutes=10.0 if minutes is None else minutes,
        trials=trials,
        overwrite=overwrite,
        weights=weights,
    )
    with state.at_work() as (flag, progress):
        tuned = search(request, flag, progress)
    from jobs.display_tune import show_tuned, tune_document

    state.answer(tune_document(tuned), lambda console: show_tuned(console, tuned))
    if tuned.stopped is not None:
        click.get_current_context().exit(tuned.stopped)
