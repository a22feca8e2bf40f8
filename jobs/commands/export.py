"""The command `export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.commands.completion import run_ids
from jobs.commands.state import FOLDER, State

if TYPE_CHECKING:
    from jobs.export import Form


@click.command()
@click.option(
    "--run", "run_id", type=int, shell_complete=run_ids, help="Export this run instead of the champion."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["onnx", "params"]),
    required=True,
    help="One ONNX file, compared with MXNet; or the whole model as one zip file.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file, or a folder for a file with a name of its own; the current folder if it is left out.",
)
@click.option(
    "--with-preprocessing", is_flag=True, help="ONNX: take RGB images of any size, and resize them inside."
)
@click.option(
    "--images", type=FOLDER, help="ONNX: compare on all images of this folder, not on the run's test images."
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def export(
    state: State,
    run_id: int | None,
    form: "Form",
    output: Path | None,
    with_preprocessing: bool,
    images: Path | None,
    force: bool,
) -> None:
    """Write the model of the champion, or of a run, to a file that can be used elsewhere.

    An ONNX file is first compared with MXNet on the run's test images; it is not written if the two differ.

    \b
    Examples:
      whisker export --format params
      whisker export --run 7 --format params --output pets.zip
      whisker export --format onnx --with-preprocessing --output pets.onnx

    \b
    Exit status:
      1    the ONNX file differs from MXNet, or there is no image to find out
    """
    from jobs.display_export import show_given
    from jobs.documents import export_document
    from jobs.export import Wanted
    from jobs.export import export as write

    if form == "params" and (with_preprocessing or images):
        raise click.UsageError("--with-preprocessing and --images are for --format onnx")
    wanted = Wanted(form, run_id, output, with_preprocessing, images, force)
    with state.at_work() as (flag, progress):
        given = write(state.home, wanted, flag, progress)
    state.answer(export_document(given), lambda console: show_given(console, given))
