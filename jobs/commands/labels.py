"""The commands `suspects` and `relabel`."""

from pathlib import Path

import click

from jobs.commands.options import IMAGES
from jobs.commands.state import FILE, State


@click.command()
@click.option("--csv", "file", type=FILE, help="Write all of them to this file, to be decided on.")
@click.pass_obj
def suspects(state: State, file: Path | None) -> None:
    """List the images whose label is doubtful: in two classes, or probably wrong, the worst first.

    They are found by a cycle; what somebody has decided on is not listed again. With --csv they are written
    as a table: fill in the column `decision` with a class, or with `exclude`, and hand it to `relabel`.

    \b
    Examples:
      whisker suspects
      whisker suspects --csv doubtful.csv
    """
    from db.session import open_read_only
    from jobs.decide_labels import open_doubts
    from jobs.display import show_doubts
    from jobs.documents import suspects_document
    from jobs.labels import doubts_csv
    from pipeline.publish import write_whole

    with open_read_only(state.home.records)() as session:
        doubts = open_doubts(session)
    if file:
        write_whole(file, doubts_csv(doubts.suspects, doubts.conflicts).encode())
    state.answer(suspects_document(doubts), lambda console: show_doubts(console, doubts, file))


@click.command()
@click.argument("file", type=FILE)
@IMAGES
@click.pass_obj
def relabel(state: State, file: Path, images: Path | str | None) -> None:
    """Apply a decided list of suspects; the files stay as they are.

    FILE is a list that `suspects --csv` wrote and somebody filled in; rows without a decision are left as
    they are. If one row is wrong, its line is named and nothing is applied. The next cycle uses them.

    \b
    Examples:
      whisker relabel doubtful.csv
      whisker relabel doubtful.csv --images photos
    """
    from jobs.decide_labels import apply_decisions

    folder = state.config(images=images).images_folder()
    labelled, excluded = apply_decisions(state.home, folder, file)
    state.answer(
        {"labelled": labelled, "excluded": excluded},
        lambda console: console.print(
            f"from the next cycle on: {labelled:,} with a decided label, {excluded:,} left out"
        ),
    )
