"""The command `run-now`: one cycle."""

from pathlib import Path
from typing import Any

import click

from jobs.commands.completion import recipes
from jobs.commands.options import BACKBONE, DEVICE, IMAGES, WEIGHTS
from jobs.commands.state import State
from pipeline.errors import BadSettings, OutOfMemory


@click.command("run-now")
@IMAGES
@click.option(
    "--recipe", shell_complete=recipes, help="fast (the default), classic, thorough, or the home's own."
)
@BACKBONE
@WEIGHTS
@click.option("--epochs", type=int, help="How many epochs the fine-tuning takes at most.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set any number of the recipe.")
@click.option("--seed", type=int, help="Of shuffling and of new parameters.")
@DEVICE
@click.option("--if-changed", is_flag=True, help="Do nothing unless there is new data.")
@click.option("--new-data-only", is_flag=True, hidden=True, help="Not on the images of a cycle that failed.")
@click.option("--accept-classes", is_flag=True, help="Go on with other class folders than before.")
@click.option("--accept-loss", is_flag=True, help="Go on though a large part of the images is gone.")
@click.option("--no-baseline", is_flag=True, help="Skip the training from scratch.")
@click.option(
    "--demo", is_flag=True, help="Draw a small set of images and run on it; needs no images, no network."
)
@click.pass_obj
def run_now(
    state: State,
    /,
    settings: tuple[str, ...],
    epochs: int | None,
    weights: Path | None,
    if_changed: bool,
    new_data_only: bool,
    accept_classes: bool,
    accept_loss: bool,
    no_baseline: bool,
    demo: bool,
    **given: Any,
) -> None:
    """Run one cycle now: scan, fine-tune, decide, train the baseline, report.

    It looks at the folder twice, so that no file is used while it is written, and needs no home: one is made.
    Without --if-changed a cycle runs although nothing is new. Ctrl-C ends it between two batches; the next
    start goes on with it after the last finished epoch.

    \b
    Examples:
      whisker run-now --demo
      whisker run-now --images photos
      whisker run-now --if-changed --no-baseline
      whisker run-now --recipe classic --weights resnet18_v2.params
      whisker run-now --set validation_share=0.1 --seed 2

    \b
    Exit status:
      0    a cycle has finished, whatever its verdict; or nothing was new
      3    a person has to decide: --accept-classes or --accept-loss goes on
    """
    from jobs.watching.process_tree import die_with_the_daemon

    die_with_the_daemon()
    from jobs.again import start_again, started_again
    from jobs.display import show_outcome
    from jobs.documents import cycle_document

    overrides = _overrides(settings, epochs)
    if demo:
        from jobs.demo import prepare_demo

        state.home, given["images"] = prepare_demo(state.home)
    config = state.config(**given, **({"baseline": False} if no_baseline else {}))
    recipe = config.resolved_recipe(overrides)
    config.images_folder()
    from jobs.cycle import run_cycle
    from jobs.look import Accepted
    from jobs.preparation import Request

    accepted = Accepted(classes=accept_classes, loss=accept_loss)
    request = Request(
        state.home, config, recipe, if_changed, accepted, weights, new_data_only and not started_again()
    )
    try:
        with state.at_work() as (flag, progress):
            outcome = run_cycle(request, flag, progress)
    except OutOfMemory as error:
        if error.goes_on and flag.signal_number is None:
            start_again(str(error))
        raise
    state.answer(cycle_document(outcome), lambda console: show_outcome(console, outcome, demo=demo))


def _overrides(settings: tuple[str, ...], epochs: int | None) -> dict[str, object]:
    """Return the recipe settings of the command line by name."""
    if wrong := [setting for setting in settings if "=" not in setting]:
        raise BadSettings(f"--set {wrong[0]!r} is not of the form NAME=VALUE, such as --set batch_size=16")
    given: dict[str, object] = {}
    for setting in settings:
        name, value = setting.split("=", 1)
        given[name] = value
    return given if epochs is None else {**given, "epochs": epochs}
