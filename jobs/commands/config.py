"""The command `config`."""

import json
from typing import TYPE_CHECKING

import click

from jobs.commands.state import State

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.settings.rows import Row


@click.command("config")
@click.pass_obj
def show_config(state: State) -> None:
    """Show every setting, its value and where it was set; secrets are not shown.

    Settings come from whisker.toml, from variables of the environment (WHISKER_SEED, WHISKER_EVERY) and from
    the command line, each stronger than the one before. All that is wrong is said at once, with its line.

    \b
    Examples:
      whisker config
      whisker --json config

    \b
    Exit status:
      2    a setting is wrong
    """
    from dataclasses import asdict

    from jobs.settings.load import load_settings
    from jobs.settings.rows import rows_of

    rows = rows_of(load_settings(state.home.settings_file))
    document = {"file": str(state.home.settings_file), "settings": [asdict(row) for row in rows]}
    state.answer(document, lambda console: _show(console, rows))


def _show(console: "Console", rows: "list[Row]") -> None:
    from rich.table import Table
    from rich.text import Text

    from pipeline.shown import shown

    table = Table("setting", "value", "from", box=None)
    for row in rows:
        style = "dim" if row.source == "default" else ""
        table.add_row(*(Text(text, style) for text in (row.name, shown(_as_toml(row)), shown(row.where))))
    console.print(table)


def _as_toml(row: "Row") -> str:
    return "" if row.value is None else json.dumps(row.value, ensure_ascii=False)
