"""Import a file of weights into the home: read, map, compare, and only then write it down.

A file that a backbone's record knows by its hash is kept as it is, under its own name. Any other becomes a
file of Gluon's format with a record of its own, see `imported`.
"""

import hashlib
import os
import stat
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from pipeline.arrays import Array
from pipeline.backbones import BACKBONES, Backbone, backbone_named
from pipeline.disk import save_failed
from pipeline.errors import WeightsError
from pipeline.pretrained.compare import compare
from pipeline.pretrained.content import map_content, shapes_of
from pipeline.pretrained.download import UNPACKING_ERRORS, extract_member
from pipeline.pretrained.imported import ImportRecord, forget, write_record
from pipeline.pretrained.weights import read_weights
from pipeline.publish import sync_folder, write_whole
from pipeline.read_back import save_arrays
from pipeline.runtime import mx

# torchvision's other weights, by the first digits of their SHA-256: of the first release, and IMAGENET1K_V2.
TORCHVISION_OTHERS = {
    "5c106cde": "resnet18_tv",
    "333f7ec4": "resnet34_tv",
    "19c8e357": "resnet50_tv",
    "11ad3fa6": "resnet50_tv",
    "5d3b4d8f": "resnet101_tv",
    "cd907fc2": "resnet101_tv",
    "b121ed2d": "resnet152_tv",
    "f82ba261": "resnet152_tv",
}


@dataclass(frozen=True)
class ImportReport:
    """What became of an import."""

    backbone: str
    path: str  # of the weights now
    sha256: str  # of that file
    source: str
    source_sha256: str
    kind: str  # of the source, such as safetensors
    names: str  # whose names its parameters have
    read: int  # arrays in the source
    mapped: int  # of those of the network
    left_over: tuple[str, ...]  # arrays that the network has no use for, by their names in the source
    missing: tuple[str, ...]  # parameters of the last layer, which Whisker replaces anyway
    largest_difference: float | None  # of the outputs of source and network, as a share of the largest value
    compared: str  # with what, or why with nothing


def import_weights(
    file: Path, weights_folder: Path, backbone: Backbone | None, now: datetime
) -> ImportReport:
    """Make a file the weights of a backbone in this home; without a backbone, one that is known by its hash.

    Raises WeightsError if it cannot be read, does not fit, does not compute what it should, or belongs to no
    backbone; SaveFailed if it cannot be written. Then nothing is left behind.
    """
    source = _read(file)
    source_sha256 = hashlib.sha256(source).hexdigest()
    content = _unpacked(file, source)
    own_sha256 = source_sha256 if content is source else hashlib.sha256(content).hexdigest()
    known = _known(hashlib.sha1(content).hexdigest(), own_sha256)
    backbone = backbone or known or _other_of_torchvision(own_sha256)
    if backbone is None:
        raise WeightsError(
            f"{file} is not the weights file of any backbone, going by its hash; name one with --backbone"
        )
    mapped = map_content(content, str(file), backbone, shapes_of(backbone.build(2)))
    comparison = compare(content, mapped, backbone, str(file))
    if backbone is known:
        path, sha256 = _keep(content, weights_folder, backbone), own_sha256
    else:
        path, sha256 = _convert(mapped.values, weights_folder, backbone)
        origin = (str(file.absolute()), source_sha256, mapped.kind)
        write_record(weights_folder, ImportRecord(backbone.name, path.name, sha256, *origin, now.isoformat()))
    return ImportReport(
        backbone.name, str(path), sha256, str(file), source_sha256, mapped.kind, mapped.whose, mapped.read,
        len(mapped.values), mapped.left_over, mapped.missing, comparison.difference, comparison.words,
    )  # fmt: skip


def _read(file: Path) -> bytes:
    try:
        is_file = stat.S_ISREG(file.stat().st_mode)  # a pipe would be waited for, a device never ends
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror}); name another file") from error
    if not is_file:
        raise WeightsError(f"{file} is not a file; name a file of weights")
    return read_weights(file)


def _unpacked(file: Path, content: bytes) -> bytes:
    """Return what the model zoo has packed into a zip archive; any other content as it is."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = set(archive.namelist())
    except UNPACKING_ERRORS:
        return content
    for source in (backbone.weights for backbone in BACKBONES.values()):
        if source.file_name in members and source.algorithm == "sha1":
            with tempfile.TemporaryDirectory() as folder:
                target = Path(folder) / source.file_name
                extract_member(file, source.file_name, target, sha1=source.digest)
                return target.read_bytes()
    return content


def _known(sha1: str, sha256: str) -> Backbone | None:
    """Return the backbone whose record knows a file by its hash."""
    digests = {"sha1": sha1, "sha256": sha256}
    for backbone in BACKBONES.values():
        if digests[backbone.weights.algorithm].startswith(backbone.weights.digest):
            return backbone
    return None


def _other_of_torchvision(sha256: str) -> Backbone | None:
    name = TORCHVISION_OTHERS.get(sha256[:8])
    return backbone_named(name) if name else None


def _keep(content: bytes, folder: Path, backbone: Backbone) -> Path:
    path = folder / backbone.weights.file_name
    write_whole(path, content)
    forget(folder, backbone.name)
    return path


def _convert(values: dict[str, Array], folder: Path, backbone: Backbone) -> tuple[Path, str]:
    """Write parameters in Gluon's format, read them back, and return the file and its SHA-256."""
    beside = folder / f".{backbone.name}.params.{os.getpid()}.tmp"
    arrays = {name: mx.nd.array(array) for name, array in values.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sha256 = save_arrays(beside, arrays)
        path = beside.replace(folder / f"{backbone.name}-imported-{sha256[:8]}.params")
        sync_folder(folder)
    except (OSError, mx.MXNetError) as error:
        raise save_failed(folder, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return path, sha256
