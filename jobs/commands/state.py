"""The global options of the command line, and what the commands make of them."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.home import Home
from jobs.logs.terminal import log_to_stderr

if TYPE_CHECKING:  # rich and the settings are imported by the commands that use them
    from rich.console import Console

    from jobs.config import Config
    from jobs.stop import StopFlag
    from pipeline.evaluate import Progress

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


class State:
    """What every command has: the home, and how to answer."""

    def __init__(self, home: Path, *, as_json: bool, verbose: bool, quiet: bool, log_json: bool) -> None:
        self.home = Home(home.absolute())
        self.as_json = as_json
        self.verbose = verbose
        self.quiet = quiet
        self.log_json = log_json
        self.terminal = log_to_stderr()
        self._log("info", "json" if log_json else "text")

    def config(self, **given: Any) -> "Config":
        """Return the settings of the home, the environment and, strongest, the command line."""
        from jobs.settings.load import load_config

        config = load_config(self.home.settings_file, log_format="json" if self.log_json else None, **given)
        self._log(config.log_level, config.log_format)
        return config

    def global_options(self) -> list[str]:
        """Return the options with which another command logs as this one does."""
        given = {"--verbose": self.verbose, "--quiet": self.quiet, "--log-json": self.log_json}
        return [option for option, is_given in given.items() if is_given]

    def _log(self, level: str, form: str) -> None:
        """Show what is logged from a level on, unless an option says otherwise."""
        chosen = "debug" if self.verbose else "warning" if self.quiet else level
        self.terminal.follow(logging.getLevelName(chosen.upper()), as_json=form == "json")

    def answer(self, document: dict[str, Any], show: "Callable[[Console], None]") -> None:
        """Print the result: one JSON document if that was asked for, else something for people."""
        from rich.console import Console

        if self.as_json:
            print(json.dumps(document, indent=2))
        else:
            # Where nobody looks at a terminal, tables must not be cut to the usual 80 columns.
            show(Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200))

    @contextmanager
    def at_work(self) -> "Iterator[tuple[StopFlag, Progress]]":
        """Give the stop flag and the progress display of a command that takes long."""
        from jobs.display import progress_bars
        from jobs.stop import stop_on_signals

        with stop_on_signals() as flag, progress_bars(wanted=not self.quiet) as progress:
            yield flag, progress
