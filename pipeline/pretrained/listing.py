"""Say of each backbone whether its weights are on this machine, and what they are. Needs no MXNet."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.backbones import BACKBONES, Backbone
from pipeline.errors import WeightsError
from pipeline.pretrained.facts import FACTS
from pipeline.pretrained.imported import ImportRecord, read_record
from pipeline.pretrained.weights import find_imported, find_known

BYTES_OF_A_NUMBER = 4  # float32


@dataclass(frozen=True)
class WeightsStatus:
    """Whether a backbone's weights are on this machine."""

    backbone: str
    available: bool
    source: str  # where they are, or else would come from, in words; of damaged ones also how to mend them
    licence: str
    size_mb: float  # of the file; without one, of the parameters as float32
    parameters: int | None  # that are learnt, with 1,000 classes
    top1: float | None  # accuracy on ImageNet as published, 0..1; None: nobody has published any of this file
    top1_source: str  # who has; "": nobody


def list_weights(weights_folder: Path) -> list[WeightsStatus]:
    """Return for each backbone whether its weights are here, or else where they would come from."""
    return [_status(backbone, weights_folder) for backbone in BACKBONES.values()]


def _status(backbone: Backbone, folder: Path) -> WeightsStatus:
    try:
        record = read_record(folder, backbone.name)
        found = find_imported(backbone, folder) or find_known(backbone, folder)
        source = found.source if found else _origin(backbone)
    except WeightsError as error:
        record, found, source = None, None, str(error)
    facts = FACTS.get(backbone.name)
    is_known = facts is not None and (record is None or _is_published(record, backbone))
    size = found.path.stat().st_size if found else (facts.parameters if facts else 0) * BYTES_OF_A_NUMBER
    return WeightsStatus(
        backbone.name,
        found is not None,
        source,
        backbone.licence if is_known else "that of the imported file",
        round(size / 1e6, 1),
        facts.parameters if facts else None,
        facts.top1 if facts and is_known else None,
        facts.top1_source if facts and is_known else "",
    )


def _origin(backbone: Backbone) -> str:
    if backbone.weights.package:
        return f"the package {backbone.weights.package}"
    if backbone.weights.page:
        return f"{backbone.weights.page}{backbone.weights.file_name}, by `weights import`"
    return "Gluon's model zoo"


def _is_published(record: ImportRecord, backbone: Backbone) -> bool:
    """Return whether the imported file is the one that the backbone's record knows."""
    return record.source_sha256.startswith(backbone.weights.digest)
