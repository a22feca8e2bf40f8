"""What the section on the network shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.pictures import data_uri, filters_png
from pipeline.records import NetworkStructure, RunDetails


@dataclass(frozen=True)
class Network:
    """The layers of the fine-tuned network and the picture of its first filters."""

    structure: NetworkStructure
    parameters: int
    filters: str | None  # a data: URI


def network_of(runs: Sequence[RunDetails]) -> Network | None:
    """Work out the section from the first run whose structure is known; None without one."""
    structure = next((details.structure for details in runs if details.structure), None)
    if structure is None:
        return None
    picture = filters_png(structure.filters)
    return Network(
        structure,
        sum(layer.parameters for layer in structure.layers),
        data_uri(picture, "image/png") if picture else None,
    )
