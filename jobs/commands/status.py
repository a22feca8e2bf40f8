"""The command `status`."""

import click

from jobs.commands.state import State


@click.command()
@click.option("--check", is_flag=True, help="End with exit status 1 unless a daemon is alive and well.")
@click.pass_obj
def status(state: State, check: bool) -> None:
    """Say whether the daemon is alive, what is being done, and what failed last.

    Safe beside everything: nothing is written and nobody waits for it. A settings file with an error does not
    hide the state.

    \b
    Examples:
      whisker status
      whisker status --check
      whisker --json status

    \b
    Exit status:
      1    with --check: no daemon is alive, it trains nothing by itself,
           a cycle hangs, or the database is damaged
    """
    from datetime import UTC, datetime

    from jobs.config import Config
    from jobs.display_status import show_status, status_document
    from jobs.schedule import parse_interval
    from jobs.status import status_of
    from pipeline.errors import BadSettings

    state.home.require()
    try:
        config = state.config()
    except BadSettings:  # a broken settings file must not hide the state; the commands that use it refuse it
        config = Config()
    found = status_of(state.home, parse_interval(config.stuck_after), datetime.now(UTC))
    state.answer(status_document(state.home, found), lambda console: show_status(console, found))
    if check and found.wrong:
        click.get_current_context().exit(1)
