"""What a model's folder says of itself; read without MXNet."""

import json
import math
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.publish import sha256_of
from pipeline.records import Preprocessing

SYMBOL, PARAMETERS, ONNX = "network-symbol.json", "network-0000.params", "network.onnx"
MANIFEST = "model.json"


def read_manifest(folder: Path, sha256: str | None = None) -> dict[str, Any]:
    """Return what `model.json` says, after checking the hashes of all files that it names.

    Args:
        folder: of the model.
        sha256: what `model.json` itself must have, where that is known from elsewhere.

    Raises:
        WeightsError: a file is missing or is not what was written.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        hashes = manifest["sha256"] | ({} if sha256 is None else {MANIFEST: sha256})
        changed = [name for name, expected in hashes.items() if sha256_of(folder / name) != expected]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"the model in {folder} cannot be read ({error}); train again") from error
    if changed:
        raise WeightsError(f"{folder / changed[0]} has changed since it was written; train again")
    return manifest


def preprocessing_of(manifest: dict[str, Any]) -> Preprocessing:
    """Return what the network expects of an image."""
    fields = dict(manifest["preprocessing"])
    for key in ("mean", "std"):
        fields[key] = tuple(fields[key])
    return Preprocessing(**fields)


def temperature_of(manifest: dict[str, Any]) -> float:
    """Return what the logits are to be divided by; 1 for a model that was written without it.

    Raises:
        WeightsError: it is not a number above 0.
    """
    temperature = manifest.get("temperature", 1.0)
    if not isinstance(temperature, float | int) or not 0 < temperature < math.inf:
        raise WeightsError(
            f"the temperature {temperature!r} in {MANIFEST} is not a number above 0; train again"
        )
    return float(temperature)


def uses_test_time_flip(manifest: dict[str, Any]) -> bool:
    """Return whether logits are the means over an image and its mirror image."""
    return manifest.get("test_time_flip", False) is True
