"""A trained model as a folder: network, parameters, labels and preprocessing, each file with its hash.

    network-symbol.json, network-0000.params   what MXNet's SymbolBlock.imports opens anywhere
    network.onnx                               the same for ONNX Runtime; missing where the two disagree
    model.json                                 labels, preprocessing, temperature, recipe, metrics, hashes;
                                               with test_time_flip, the logits of an image are to be averaged
                                               with those of its mirror image before the temperature
    README.md                                  the model card: the same for people

MXNet reports no error when the end of a file does not fit on a full disk, and opens a damaged file as if it
were good. So what was written is read back and compared before the folder gets its name, and the hashes are
checked at each load.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.disk import save_failed
from pipeline.engine import try_onnxruntime
from pipeline.errors import TrainingDiverged, WeightsError
from pipeline.failpoint import failpoint
from pipeline.manifest import (
    CARD,
    MANIFEST,
    MEND,
    ONNX,
    PARAMETERS,
    SYMBOL,
    classes_of,
    preprocessing_of,
    read_manifest,
)
from pipeline.model_card import model_card
from pipeline.publish import sha256_of, sync_file, sync_folder
from pipeline.read_back import check_read_back
from pipeline.records import Artifact, Preprocessing
from pipeline.runtime import mx

log = logging.getLogger("whisker")


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
    temperature: float = 1.0,
    test_time_flip: bool = False,
    facts: Mapping[str, Any],
    sample: Array | None = None,
) -> tuple[Artifact, ...]:
    """Write the model to `folder`, which appears whole or not at all; return its files with their hashes.

    Args:
        network: hybridised, after at least one forward pass.
        folder: must not exist.
        classes: in the order of the network's outputs.
        preprocessing: what the network expects of an image.
        temperature: what its logits are to be divided by, so that its probabilities can be trusted.
        test_time_flip: whether its logits are to be averaged over an image and its mirror image.
        facts: what else `model.json` shall say, see `model_facts`.
        sample: normalised images (N, 3, S, S) on which ONNX Runtime must agree with MXNet; none: noise.

    Raises:
        TrainingDiverged: a parameter is not finite.
        SaveFailed: a file could not be written whole; DiskFull if that is for want of space.
    """
    _check_finite(network)
    beside = folder.with_name(f"{folder.name}.tmp")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        network.export(str(beside / "network"))
        _check_written(network, beside / PARAMETERS)
        if sample is None:
            sample = _noise(preprocessing.size)
        files = [SYMBOL, PARAMETERS, *_write_onnx(network, beside / ONNX, sample)]
        manifest = {
            **facts,
            "classes": list(classes),
            "preprocessing": asdict(preprocessing),
            "temperature": temperature,
            "test_time_flip": test_time_flip,
            "sha256": {name: sha256_of(beside / name) for name in files},
        }
        _describe(manifest, beside)
        artifacts = tuple(_artifact(beside / name) for name in (*files, CARD, MANIFEST))
        sync_folder(beside)
        failpoint("before_model_rename")
        beside.replace(folder)
        sync_folder(folder.parent)
        failpoint("after_model_rename")
    except (OSError, mx.MXNetError) as error:
        raise save_failed(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return artifacts


def load_model(folder: Path, device: Any, manifest: dict[str, Any] | None = None) -> Model:
    """Read a model from its folder.

    Args:
        folder: of the model.
        device: an `mx.Context`.
        manifest: what `read_manifest` has returned, where the files were checked already.

    Raises:
        WeightsError: a file is missing or is not what was written.
    """
    manifest = read_manifest(folder) if manifest is None else manifest
    if not {SYMBOL, PARAMETERS} <= set(manifest["sha256"]):
        raise WeightsError(f"the files of the network in {folder} have no hashes in {MANIFEST}; {MEND}")
    # As SymbolBlock.imports does it, but with the input's type, which that leaves to a warning and a guess.
    network = mx.gluon.SymbolBlock(mx.sym.load(str(folder / SYMBOL)), mx.sym.var("data", dtype="float32"))
    network.collect_params().load(str(folder / PARAMETERS), ctx=device)
    network.hybridize(static_alloc=True)
    return Model(network, classes_of(manifest), preprocessing_of(manifest))


def _describe(manifest: dict[str, Any], folder: Path) -> None:
    """Write what the model says of itself: for people, then for programs, with the hash of the former."""
    (folder / CARD).write_text(model_card(manifest), encoding="utf-8")
    hashes = manifest["sha256"] | {CARD: sha256_of(folder / CARD)}
    text = json.dumps({**manifest, "sha256": hashes}, indent=1)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def _write_onnx(network: Any, file: Path, sample: Array) -> tuple[str, ...]:
    """Write the network for ONNX Runtime if that gives the same numbers; return the names of the files."""
    device = next(iter(network.collect_params().values())).list_ctx()[0]
    trial = try_onnxruntime(network, sample, device, timed=False)
    if trial.forward is None or trial.model is None:
        log.info("the model is written for MXNet alone: %s", trial.sentence)
        return ()
    file.write_bytes(trial.model)
    return (file.name,)


def _noise(size: int) -> Array:
    """Return two images of noise, float32 (2, 3, size, size)."""
    return np.random.default_rng(0).normal(size=(2, 3, size, size)).astype(np.float32)


def _check_finite(network: Any) -> None:
    for name, parameter in network.collect_params().items():
        if not np.isfinite(parameter.data().asnumpy()).all():
            raise TrainingDiverged(f"the parameter {name} is not finite; choose a smaller learning rate")


def _check_written(network: Any, file: Path) -> None:
    """Read the parameters back and compare them with those in memory."""
    found = {name.split(":", 1)[1]: array for name, array in mx.nd.load(str(file)).items()}
    written = {name: parameter.data() for name, parameter in network.collect_params().items()}
    check_read_back(file, found, written)


def _artifact(path: Path) -> Artifact:
    sync_file(path)
    return Artifact(path.name, sha256_of(path), path.stat().st_size)
