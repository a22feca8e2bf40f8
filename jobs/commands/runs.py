"""The commands `runs` and `show`."""

import click

from jobs.commands.completion import run_ids
from jobs.commands.state import State


@click.command()
@click.pass_obj
def runs(state: State) -> None:
    """List all runs, newest first.

    A run is one training of one network: the fine-tuning of a cycle, or its baseline from scratch. Runs that
    failed or were interrupted are listed too. `show` tells more of one, `champion` which one predicts.

    \b
    Examples:
      whisker runs
      whisker --json runs
    """
    from db import store
    from db.session import open_read_only
    from jobs.display import runs_table
    from jobs.documents import run_document

    with open_read_only(state.home.records)() as session:
        found = store.list_runs(session)
    document = {"runs": [run_document(run, epochs=False) for run in found]}
    state.answer(document, lambda console: console.print(runs_table(found)))


@click.command()
@click.argument("run_id", metavar="ID", type=int, shell_complete=run_ids)
@click.pass_obj
def show(state: State, run_id: int) -> None:
    """Show one run: its result, epochs, settings and files.

    ID is its number in `runs`. Also shown are the notes that the training made of its decisions, the error
    that ended it, and the versions of all that it was computed with.

    \b
    Examples:
      whisker show 1
      whisker --json show 1
    """
    from db import store
    from db.session import open_read_only
    from jobs.display import show_run
    from jobs.documents import show_document

    with open_read_only(state.home.records)() as session:
        details = store.load_run(session, run_id)
    state.answer(show_document(details), lambda console: show_run(console, details))
