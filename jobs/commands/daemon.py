"""The command `daemon`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from jobs.commands.state import State

if TYPE_CHECKING:
    from jobs.config import Config


@click.command()
@click.option("--every", help="Look so often, such as 90s, 10m, 6h, 1d.")
@click.option("--cron", help='Look by a cron expression in UTC, such as "0 3 * * *".')
@click.pass_obj
def daemon(state: State, /, **given: Any) -> None:
    """Rescan on schedule and run a cycle when there is new data.

    It stays in the foreground until a signal ends it, and with it the cycle at work; all finished epochs are
    kept. SIGHUP reads the settings again. Each look is a process of its own, so that a crash or a hang ends a
    cycle and not the daemon. `status` says what it does; only one runs in a home.

    \b
    Examples:
      whisker daemon
      whisker daemon --every 10m
      whisker daemon --cron "0 3 * * *"
    """
    from jobs.daemon import run_daemon
    from jobs.stop import stop_on_signals
    from pipeline.probe_child import PROJECT_FOLDER

    state.home.require()
    if given["every"]:
        given["cron"] = given["cron"] or ""  # --every also wins over a cron of the settings file
    command = [
        sys.executable,
        str(PROJECT_FOLDER / "cli.py"),
        "--home",
        str(state.home.folder),
        "--json",
        *state.global_options(),
        "run-now",
        "--if-changed",
    ]

    def load() -> "Config":
        config = state.config(**given)
        config.images_folder()
        return config

    with stop_on_signals(reloads=True) as flag:
        run_daemon(state.home, load, command, flag)
