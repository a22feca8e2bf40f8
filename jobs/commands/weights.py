"""The commands `weights list` and `weights fetch`."""

import click

from jobs.commands.completion import backbones
from jobs.commands.state import State


@click.group()
def weights() -> None:
    """List and fetch the pretrained weights of backbones.

    The default backbone's weights come with the program. Others come with the extra `lite`, or from Gluon's
    model zoo.

    \b
    Examples:
      whisker weights list
    """


@weights.command("list")
@click.pass_obj
def weights_list(state: State) -> None:
    """List the backbones and whether their weights are here.

    Also said is where they are, or else would come from, and their licence. Nothing is fetched.

    \b
    Examples:
      whisker weights list
      whisker --json weights list
    """
    from dataclasses import asdict

    from jobs.display import weights_table
    from pipeline.weights import list_weights

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
    from pipeline.weights import find_weights

    with state.at_work() as (_, progress):
        found = find_weights(
            backbone_named(backbone),
            state.home.weights,
            progress=lambda done, total: progress("weights", done, total or 0),
        )
    document = {"backbone": backbone, "path": str(found.path), "source": found.source, "sha256": found.sha256}
    state.answer(document, lambda console: console.print(f"{found.path} ({found.source})", markup=False))
