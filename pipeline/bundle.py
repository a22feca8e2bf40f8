"""A trained model as a folder: network, parameters, labels and preprocessing, each file with its hash.

    network-symbol.json, network-0000.params   what MXNet's SymbolBlock.imports opens anywhere
    model.json                                 labels, preprocessing, recipe, snapshot, hashes

MXNet reports no error when the end of a file does not fit on a full disk, and opens a damaged file as if it
were good. So what was written is read back and compared before the folder gets its name, and the hashes are
checked at each load.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import SaveFailed, TrainingDiverged, WeightsError
from pipeline.publish import sha256_of, sync_file, sync_folder
from pipeline.records import Artifact, Preprocessing
from pipeline.runtime import mx

SYMBOL, PARAMETERS, MANIFEST = "network-symbol.json", "network-0000.params", "model.json"


@dataclass(frozen=True)
class Model:
    """A model that was read from its folder."""

    network: Any  # SymbolBlock: normalised images (N, 3, S, S) -> logits (N, classes)
    classes: tuple[str, ...]
    preprocessing: Preprocessing


def publish_model(
    network: Any,
    folder: Path,
    *,
    classes: tuple[str, ...],
    preprocessing: Preprocessing,
    facts: Mapping[str, Any],
) -> tuple[Artifact, ...]:
    """Write the model to `folder`, which appears whole or not at all; return its files with their hashes.

    Args:
        network: hybridised, after at least one forward pass.
        folder: must not exist.
        classes: in the order of the network's outputs.
        preprocessing: what the network expects of an image.
        facts: what else `model.json` shall say.

    Raises:
        TrainingDiverged: a parameter is not finite.
        SaveFailed: a file could not be written whole.
    """
    _check_finite(network)
    beside = folder.with_name(f"{folder.name}.tmp")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        network.export(str(beside / "network"))
        _check_written(network, beside / PARAMETERS)
        hashes = {name: sha256_of(beside / name) for name in (SYMBOL, PARAMETERS)}
        manifest = {"classes": classes, "preprocessing": asdict(preprocessing), **facts, "sha256": hashes}
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        artifacts = tuple(_artifact(beside / name) for name in (SYMBOL, PARAMETERS, MANIFEST))
        sync_folder(beside)
        beside.replace(folder)
        sync_folder(folder.parent)
    except (OSError, mx.MXNetError) as error:
        raise SaveFailed(f"the model cannot be written to {folder} ({error}); free some space") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return artifacts


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what `model.json` says, after checking the hashes of all files that it names.

    Raises:
        WeightsError: a file is missing or is not what was written.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        changed = [
            name for name, expected in manifest["sha256"].items() if sha256_of(folder / name) != expected
        ]
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"the model in {folder} cannot be read ({error}); train again") from error
    if changed:
        raise WeightsError(f"{folder / changed[0]} has changed since it was written; train again")
    return manifest


def load_model(folder: Path, device: Any) -> Model:
    """Read a model from its folder.

    Raises:
        WeightsError: a file is missing or is not what was written.
    """
    manifest = read_manifest(folder)
    # As SymbolBlock.imports does it, but with the input's type, which that leaves to a warning and a guess.
    network = mx.gluon.SymbolBlock(mx.sym.load(str(folder / SYMBOL)), mx.sym.var("data", dtype="float32"))
    network.collect_params().load(str(folder / PARAMETERS), ctx=device)
    network.hybridize(static_alloc=True)
    preprocessing = manifest["preprocessing"]
    for key in ("mean", "std"):
        preprocessing[key] = tuple(preprocessing[key])
    return Model(network, tuple(manifest["classes"]), Preprocessing(**preprocessing))


def _check_finite(network: Any) -> None:
    for name, parameter in network.collect_params().items():
        if not np.isfinite(parameter.data().asnumpy()).all():
            raise TrainingDiverged(f"the parameter {name} is not finite; choose a smaller learning rate")


def _check_written(network: Any, file: Path) -> None:
    """Read the parameters back and compare them with those in memory."""
    written = {name.split(":", 1)[1]: array for name, array in mx.nd.load(str(file)).items()}
    for name, parameter in network.collect_params().items():
        if not np.array_equal(written[name].asnumpy(), parameter.data().asnumpy()):
            raise SaveFailed(f"{file} does not hold what was written to it; check the disk")


def _artifact(path: Path) -> Artifact:
    sync_file(path)
    return Artifact(path.name, sha256_of(path), path.stat().st_size)
