"""The command `compare`."""

import click

from jobs.commands.completion import run_ids
from jobs.commands.state import State


@click.command()
@click.argument("before_id", metavar="A", type=int, shell_complete=run_ids)
@click.argument("after_id", metavar="B", type=int, shell_complete=run_ids)
@click.pass_obj
def compare(state: State, before_id: int, after_id: int) -> None:
    """Compare run A with run B on the test images that both were tested on, and write a page about it.

    A and B are numbers of runs. The gain is that of B over A, with its interval and the exact McNemar test.
    Nothing is trained, predicted or promoted: what each run said of each test image is in the database.

    \b
    Examples:
      whisker compare 1 2
      whisker --json compare 1 2
    """
    from jobs.compare_runs import compare_runs
    from jobs.display_champion import show_compared
    from jobs.documents import compared_document

    state.home.require()
    compared = compare_runs(state.home, before_id, after_id)
    state.answer(compared_document(compared), lambda console: show_compared(console, compared))
