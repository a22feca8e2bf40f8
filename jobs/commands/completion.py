"""The command `completion`, and what a shell completes besides commands, options and files.

The functions are called at each press of Tab, in a process of its own, before any command runs.
"""

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from jobs.commands.state import State
from jobs.home import Home

COMPLETION_VARIABLE = "_WHISKER_COMPLETE"  # by which the scripts ask for completions
SHELLS = ("bash", "zsh", "fish")
BUSY_SECONDS = 0.2  # nobody waits for a writer at a press of Tab


def recipes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of recipes that begin so, those of the home last."""
    from jobs.settings.own_recipe import names_of
    from pipeline.recipes import RECIPES

    names = (*RECIPES, *names_of(_home(context).settings_file))
    return [name for name in names if name.startswith(incomplete)]


def backbones(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of backbones that begin so."""
    from pipeline.backbones import BACKBONES

    return [name for name in BACKBONES if name.startswith(incomplete)]


def devices(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the devices that begin so."""
    return [name for name in ("auto", "cpu", "gpu") if name.startswith(incomplete)]


def run_ids(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Return the runs of the home whose numbers begin so, newest first; none where they cannot be read.

    A shell that completes has no place for an error; the command itself will say it.
    """
    from db import store
    from db.session import DATABASE_FAILS, open_read_only

    try:
        with open_read_only(_home(context).records, busy_seconds=BUSY_SECONDS)() as session:
            runs = store.list_runs(session)
    except DATABASE_FAILS:
        return []
    found = ((str(run.id), f"{run.kind} of {run.backbone}, {run.status}") for run in runs)
    return [CompletionItem(number, help=text) for number, text in found if number.startswith(incomplete)]


def _home(context: click.Context) -> Home:
    return Home(Path(context.find_root().params["home"]).expanduser())  # nobody has expanded `~` yet


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options, names and numbers of runs.

    SHELL is bash (4.4 or newer), zsh or fish. The script is for the name by which the program was called:
    `whisker`, or in bash also `cli.py` where it is called as `./cli.py`. Numbers of runs come from the home
    that --home or WHISKER_HOME names; nothing is written there. For zsh, the folder must be in `fpath`.

    \b
    Examples:
      whisker completion bash > ~/.local/share/bash-completion/completions/whisker
      whisker completion zsh > ~/.zfunc/_whisker
      whisker completion fish > ~/.config/fish/completions/whisker.fish
    """
    state: State = context.obj
    root, of_shell = context.find_root(), get_completion_class(shell)
    assert of_shell is not None
    assert root.info_name is not None
    script = of_shell(root.command, {}, root.info_name, COMPLETION_VARIABLE).source()
    state.answer({"shell": shell, "script": script}, lambda _: click.echo(script, nl=False))
