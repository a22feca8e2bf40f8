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

if TYPE_CHECKING:  # rich and the settings are imported by the commands that use them
    from rich.console import Console

    from jobs.config import Config
    from jobs.stop import StopFlag
    from pipeline.evaluate import Progress

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


class State:
    """What every command has: the home, and how to answer."""

    def __init__(self, home: Path, *, as_json: bool, quiet: bool) -> None:
        self.home = Home(home.absolute())
        self.as_json = as_json
        self.quiet = quiet

    def config(self, **given: Any) -> "Config":
        """Return the settings of the home, the environment and, strongest, the command line."""
        from jobs.settings import load_config

        return load_config(self.home.settings_file, **given)

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


class CurrentStderr(logging.Handler):
    """Writes to what is standard error at the time, so that lines pass above a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(self.format(record), file=sys.stderr, flush=True)


def log_to_stderr(level: int) -> None:
    """Send Whisker's messages from `level` on, and everybody's warnings, to standard error."""
    handler = CurrentStderr()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("whisker").setLevel(level)
