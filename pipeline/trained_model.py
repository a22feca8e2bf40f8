"""Open a trained model for use, on whatever runs it: ONNX Runtime where its writer found that to agree."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.disk import last_line
from pipeline.errors import WeightsError
from pipeline.evaluate import Forward, as_judged
from pipeline.manifest import (
    MEND,
    ONNX,
    classes_of,
    preprocessing_of,
    read_manifest,
    run_of,
    temperature_of,
    uses_test_time_flip,
)
from pipeline.packed_model import unpacked
from pipeline.records import Preprocessing


@dataclass(frozen=True)
class TrainedModel:
    """A trained network, ready to be used."""

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    forward: Forward  # normalised images, float32 (N, 3, S, S) -> logits (N, classes)
    temperature: float  # divides the logits where probabilities are shown; stored ones are without it
    run_id: int | None = None  # that trained it, by its own account


def open_trained(folder: Path, manifest_sha256: str | None = None) -> TrainedModel:
    """Open the model in a folder on the CPU; MXNet is imported only if the folder has no ONNX file.

    Args:
        folder: of the model.
        manifest_sha256: what its `model.json` must have, where that is known.

    Raises:
        WeightsError: a file of the model is missing or is not what was written.
    """
    manifest = read_manifest(folder, manifest_sha256)
    classes, how, temperature = classes_of(manifest), preprocessing_of(manifest), temperature_of(manifest)
    forward = as_judged(_forward(folder, manifest), test_time_flip=uses_test_time_flip(manifest))
    return TrainedModel(classes, how, forward, temperature, run_of(manifest))


def open_stranger(place: Path) -> TrainedModel:
    """Open a model that may come from anywhere: its folder, or the zip that `export` makes of it.

    The hashes tell that it is whole, not who made it, so it is tried before it is used.

    Raises:
        WeightsError: it is no model, is not what was written, or does not do what it says.
    """
    if place.is_dir():
        return _tried(place, place)
    with unpacked(place) as folder:
        return _tried(folder, place)


def _tried(folder: Path, place: Path) -> TrainedModel:
    try:
        model = open_trained(folder)
        size = model.preprocessing.size
        shape = model.forward(np.zeros((1, 3, size, size), np.float32)).shape
    except WeightsError:
        raise
    except Exception as error:  # ONNX Runtime and MXNet raise what they like
        raise WeightsError(f"the network in {place} cannot be run: {last_line(error)}; {MEND}") from error
    if shape != (1, len(model.classes)):
        raise WeightsError(f"the network in {place} does not tell the classes apart that it names; {MEND}")
    return model


def _forward(folder: Path, manifest: dict[str, Any]) -> Forward:
    if ONNX in manifest["sha256"]:
        from pipeline.onnx_runtime import open_model

        return open_model(folder / ONNX)
    from pipeline.bundle import load_model
    from pipeline.network import forward_of
    from pipeline.runtime import mx

    return forward_of(load_model(folder, mx.cpu(), manifest).network, mx.cpu())
