"""The command `compare`."""

import click

from jobs.commands.state import State


@click.command()
@click.argument("before_id", metavar="A", type=int)
@click.argument("after_id", metavar="B", type=int)
@click.pass_obj
def compare(state: State, before_id: int, after_id: int) -> None:
    """Compare run A with run B on the test images that both were tested on, and write a page about it."""
    from jobs.compare_runs import compare_runs
    from jobs.display_champion import show_compared
    from jobs.documents import compared_document

    state.home.require()
    compared = compare_runs(state.home, before_id, after_id)
    state.answer(compared_document(compared), lambda console: show_compared(console, compared))
