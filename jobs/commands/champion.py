"""The commands `champion`, `promote` and `rollback`."""

from typing import TYPE_CHECKING

import click

from jobs.commands.completion import run_ids
from jobs.commands.state import State

if TYPE_CHECKING:
    from jobs.champion import Moved


def _reason(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why, since it is kept in the history")
    return value.strip()


REASON = click.option(
    "--reason", default="by hand", show_default=True, callback=_reason, help="Why; it is kept in the history."
)


@click.command()
@click.pass_obj
def champion(state: State) -> None:
    """Say which run predicts, since when, and how it came to that.

    The history lists every change of champion, the newest first, with its reason. `promote` and `rollback`
    change the champion by hand.

    \b
    Examples:
      whisker champion
      whisker --json champion
    """
    from db import store
    from db.session import open_read_only
    from jobs.display_champion import show_champion
    from jobs.documents import champion_document

    with open_read_only(state.home.records)() as session:
        history = store.promotions(session)
        details = store.load_run(session, history[0].run_id) if history else None
    folder = state.home.model(history[0].run_id) if history else None
    state.answer(
        champion_document(details, folder, history), lambda console: show_champion(console, details, history)
    )


@click.command()
@click.argument("run_id", metavar="ID", type=int, shell_complete=run_ids)
@REASON
@click.pass_obj
def promote(state: State, run_id: int, reason: str) -> None:
    """Make a run the champion, whatever its verdict was.

    ID is its number in `runs`; it must have finished, and its model must be whole. Safe beside a running
    cycle. `champion` shows the history, `rollback` takes it back.

    \b
    Examples:
      whisker promote 1
      whisker promote 2 --reason "knows the new cages"
    """
    from jobs.champion import promote_by_hand

    _answer(state, promote_by_hand(state.home, run_id, reason))


@click.command()
@REASON
@click.pass_obj
def rollback(state: State, reason: str) -> None:
    """Make the champion before the present one the champion again; repeated, go further back.

    A champion whose model is gone or damaged is passed over for the one before it, which is said. Safe beside
    a running cycle.

    \b
    Examples:
      whisker rollback
      whisker rollback --reason "took kittens for dogs"
    """
    from jobs.champion import roll_back

    _answer(state, roll_back(state.home, reason))


def _answer(state: State, moved: "Moved") -> None:
    from jobs.documents import moved_document

    before = "no run" if moved.before is None else f"run {moved.before}"
    said = [f"passed over: {sentence}" for sentence in moved.passed_over]
    said.append(f"run {moved.run_id} is the champion now; until now, {before} was")
    state.answer(
        moved_document(moved, state.home.model(moved.run_id)),
        lambda console: console.print("\n".join(said), markup=False),
    )
