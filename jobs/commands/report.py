"""The command `report`."""

import click

from jobs.commands.state import State


@click.command()
@click.option("--open", "open_it", is_flag=True, help="Open the index in a browser.")
@click.option("--all", "anew", is_flag=True, help="Render also the pages that are up to date.")
@click.pass_obj
def report(state: State, open_it: bool, anew: bool) -> None:
    """Render the reports from the database: what is missing, has changed, or is of another version.

    Everything that a page shows is in the database, so pages may be deleted at any time. Prints where the
    index is. A cycle renders its own page and the index at its end.

    \b
    Examples:
      whisker report
      whisker report --open
      whisker report --all
    """
    from db.session import open_read_only
    from jobs.reports import write_all

    index = write_all(state.home, open_read_only(state.home.records), anew=anew)
    if open_it:
        click.launch(index.as_uri())
    state.answer({"report": str(index)}, lambda console: console.print(str(index), markup=False))
