"""The command `predict`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.commands.completion import run_ids
from jobs.commands.state import FOLDER, State

if TYPE_CHECKING:
    from jobs.answers import Form
    from pipeline.predict import Answer


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=bytes))
@click.option(
    "--run", "run_id", type=int, shell_complete=run_ids, help="Use this run instead of the champion."
)
@click.option(
    "--model",
    "place",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="Use the model in a zip file of `export`, or in a folder; this needs no home.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "csv", "jsonl"]),
    default="human",
    show_default=True,
    help="A line for people, a row of CSV, or a line of JSON for each file.",
)
@click.option(
    "--reject-below",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="P",
    help="Mark answers whose probability is below P as rejected.",
)
@click.option(
    "--sort-into",
    type=FOLDER,
    metavar="DIR",
    help="Copy each image into DIR/CLASS; nothing is moved or overwritten.",
)
@click.pass_obj
def predict(
    state: State,
    paths: tuple[bytes, ...],
    run_id: int | None,
    place: Path | None,
    form: "Form",
    reject_below: float,
    sort_into: Path | None,
) -> None:
    """Say the class and its probability for images.

    PATH is a file, a folder, a URL such as s3://bucket/inbox, a pattern in quotes, or - for a list of paths
    on standard input. What cannot be read is a row with its error, and the exit status is 1 at the end.

    \b
    Examples:
      whisker predict photo.jpg
      whisker predict --format csv photos > answers.csv
      whisker predict --reject-below 0.9 --sort-into sorted 'inbox/*.jpg'
      find photos -newer yesterday | whisker predict -
      whisker predict --model whisker-run-0001.zip photo.jpg

    \b
    Exit status:
      1    a file could not be read; all others were answered
    """
    from jobs.answers import as_text
    from jobs.predict import check_sorting, classify, open_classifier
    from jobs.predict_urls import places_of
    from pipeline.trained_model import open_stranger

    if run_id is not None and place is not None:
        raise click.UsageError("--run names a model of this home and --model one of anywhere; give only one")

    if sort_into:
        check_sorting(sort_into, state.config().images, paths)
    model = open_stranger(place) if place else open_classifier(state.home, run_id)
    errors = 0

    def counted(answers: "Iterator[Answer]") -> "Iterator[Answer]":
        nonlocal errors
        for answer in answers:
            errors += answer.error is not None
            yield answer

    with state.at_work() as (flag, _):
        answers = classify(
            model,
            paths,
            sys.stdin.buffer,
            flag.check,
            places=places_of(state.home, state.config, paths),
            reject_below=reject_below,
            sort_into=sort_into,
        )
        chosen = "json" if state.as_json else form
        for text in as_text(counted(answers), model.run_id, model.classes, chosen, reject_below):
            sys.stdout.write(text)
    if errors:
        files = "1 file" if errors == 1 else f"{errors:,} files"
        click.echo(f"whisker: {files} could not be read; their rows say why", err=True)
        click.get_current_context().exit(1)
