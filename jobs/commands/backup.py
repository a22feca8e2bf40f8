"""The commands `backup` and `restore`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.commands.state import FILE, State

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.restore import Restored


@click.command()
@click.pass_obj
def backup(state: State) -> None:
    """Copy the database into the folder of backups now; safe beside a running cycle.

    The copy is of one moment, and gets its name once all its pages were checked. Models, pages and images are
    not in it. A cycle makes such a copy each day by itself; `restore` is the way back. That of a PostgreSQL
    server is made by its program `pg_dump`, which must be installed here.

    \b
    Examples:
      whisker backup
      whisker --json backup
    """
    from db.session import utc_now
    from jobs.backups import backups_of
    from pipeline.disk import in_words

    made = backups_of(state.home).make(utc_now())
    state.answer(
        {"backup": str(made.path), "bytes": made.size},
        lambda console: console.print(f"{made.path} ({in_words(made.size)}) is a whole backup", markup=False),
    )


@click.command()
@click.argument("file", type=FILE, required=False)
@click.option("--list", "only_list", is_flag=True, help="Only list the backups, newest first.")
@click.pass_obj
def restore(state: State, file: Path | None, only_list: bool) -> None:
    """Put a backup (by default the newest whole one) in the place of a database that is damaged or gone.

    FILE is a path, or the name of a backup as --list shows it. A database that is sound is replaced only
    where FILE is given. The former database is kept, as a file beside it or as one more backup. Says which
    cycles and runs the backup does not know. No cycle may be at work.

    \b
    Examples:
      whisker restore --list
      whisker restore
      whisker restore whisker-20260301T040007Z.db
    """
    from db.session import utc_now
    from jobs.restore import restore as put_back

    if only_list:
        _list(state)
        return
    done = put_back(state.home, file, utc_now())
    document = {
        "restored": str(done.backup),
        "kept": None if done.kept is None else str(done.kept),
        "lost_cycles": list(done.lost_cycles),
        "lost_runs": list(done.lost_runs),
        "unknown_models": [str(path) for path in done.unknown_models],
        "passed_over": list(done.passed_over),
    }
    state.answer(document, lambda console: _show(console, done))


def _list(state: State) -> None:
    from jobs.backups import backups_of
    from pipeline.disk import in_words

    found = backups_of(state.home).made()
    document = [
        {"backup": str(one.path), "made_at": one.made_at.isoformat(), "bytes": one.size} for one in found
    ]
    lines = [
        f"{one.made_at:%Y-%m-%d %H:%M:%S} UTC  {in_words(one.size):>9}  {one.path.name}" for one in found
    ] or ["there is no backup yet; a cycle makes one each day"]
    state.answer({"backups": document}, lambda console: console.print("\n".join(lines), markup=False))


def _show(console: "Console", done: "Restored") -> None:
    lines = [*done.passed_over, f"{done.backup} is the database now"]
    if done.kept is not None:
        lines.append(f"the former one is kept as {done.kept}")
    lost = [*_named("cycle", done.lost_cycles), *_named("run", done.lost_runs)]
    lines.append(f"it lacks {' and '.join(lost)}" if lost else "it has every cycle and run that left a trace")
    lines += [f"{path} has a model and no record; `cli.py prune` removes it" for path in done.unknown_models]
    console.print("\n".join(lines), markup=False)


def _named(kind: str, numbers: tuple[int, ...]) -> list[str]:
    """Return "run 7" or "runs 7 to 19 (12 of them)"; nothing for none."""
    if len(numbers) < 2:
        return [f"{kind} {number}" for number in numbers]
    return [f"{kind}s {numbers[0]} to {numbers[-1]} ({len(numbers)} of them)"]
