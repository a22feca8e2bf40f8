"""The commands `weights list`, `weights fetch` and `weights import`."""

from pathlib import Path

import click

from jobs.commands.completion import backbones
from jobs.commands.state import FILE, State


@click.group()
def weights() -> None:
    """List, fetch and import the pretrained weights of backbones.

    The default backbone's weights come with the program. Others come with the extra `lite`, from Gluon's
    model zoo, or from a file that you import.

    \b
    Examples:
      whisker weights list
      whisker weights import resnet50-0676ba61.pth
    """


@weights.command("list")
@click.pass_obj
def weights_list(state: State) -> None:
    """List the backbones and whether their weights are here.

    Also said is where they are, or else would come from, their size and licence, and the accuracy on ImageNet
    that their publisher states. Nothing is fetched.

    \b
    Examples:
      whisker weights list
      whisker --json weights list
    """
    from dataclasses import asdict

    from jobs.weights_tables import weights_table
    from pipeline.pretrained.listing import list_weights

    statuses = list_weights(state.home.weights)
    document = {"weights": [asdict(status) for status in statuses]}
    state.answer(document, lambda console: console.print(weights_table(statuses)))


@weights.command("fetch")
@click.argument("backbone", shell_complete=backbones)
@click.pass_obj
def weights_fetch(state: State, backbone: str) -> None:
    """Fetch the weights of a backbone into the home.

    BACKBONE is a name out of `weights list`. What is here already is not fetched again. A download counts
    only with the hash that the backbone's record holds. The variable MXNET_GLUON_REPO names a mirror.

    \b
    Examples:
      whisker weights fetch resnet18_v2
    """
    from pipeline.backbones import backbone_named
    from pipeline.pretrained.download import as_stage
    from pipeline.pretrained.weights import find_weights

    with state.at_work() as (_, progress):
        found = find_weights(
            backbone_named(backbone),
            state.home.weights,
            progress=as_stage(progress),
        )
    document = {"backbone": backbone, "path": str(found.path), "source": found.source, "sha256": found.sha256}
    state.answer(document, lambda console: console.print(f"{found.path} ({found.source})", markup=False))


@weights.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--backbone",
    shell_complete=backbones,
    help="Whose weights these are; not needed for a published file, known by its hash.",
)
@click.pass_obj
def weights_import(state: State, file: Path, backbone: str | None) -> None:
    """Make a file the weights of a backbone in this home.

    FILE is Gluon's .params or the model zoo's zip, PyTorch's .pth, .safetensors, or ONNX. Nothing in it is
    executed. Each parameter is given its place, and an ONNX model is compared with the network that came of
    it. A file that does not fit changes nothing.

    \b
    Examples:
      whisker weights import resnet50-0676ba61.pth
      whisker weights import tf_lite1.safetensors --backbone efficientnet_lite1
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from jobs.weights_tables import import_table
    from pipeline.backbones import backbone_named
    from pipeline.pretrained.importing import import_weights

    chosen = backbone_named(backbone) if backbone else None
    report = import_weights(file, state.home.weights, chosen, datetime.now(UTC))
    state.answer(asdict(report), lambda console: console.print(import_table(report)))
