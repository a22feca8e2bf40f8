"""The command `prune`."""

from typing import TYPE_CHECKING

import click

from jobs.commands.state import State

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.prune import Going


@click.command()
@click.option("--dry-run", is_flag=True, help="Only list what would go.")
@click.pass_obj
def prune(state: State, dry_run: bool) -> None:
    """Remove the models of old runs, old backups, and what was left over; all records stay.

    The settings keep_last, keep_days and keep_backups say what is old. A cycle does it at its end, but for
    what was left over: models, pages and unfinished files that no record knows of. Never removed are the
    champion, the two before it, and a baseline that a cycle may use again.

    \b
    Examples:
      whisker prune --dry-run
      whisker prune
    """
    from dataclasses import asdict

    from jobs.prune import prune_home

    config = state.config()
    found = prune_home(state.home, config, dry_run=dry_run)
    document = {
        "dry_run": dry_run,
        "removed": [{**asdict(item), "path": str(item.path)} for item in found],
        "bytes": sum(item.size for item in found),
    }
    state.answer(document, lambda console: _show(console, found, dry_run=dry_run))


def _show(console: "Console", found: "list[Going]", *, dry_run: bool) -> None:
    from pipeline.disk import in_words

    for item in found:
        console.print(f"{in_words(item.size):>9}  {item.path}: {item.reason}", markup=False)
    total = f"{'would free' if dry_run else 'freed'} {in_words(sum(item.size for item in found))}"
    console.print(total if found else "there is nothing to remove")
