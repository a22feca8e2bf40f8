"""What a model's folder says of itself; read without MXNet, and not trusted: it may come from anywhere."""

import json
import math
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.publish import sha256_of
from pipeline.records import Preprocessing

SYMBOL, PARAMETERS, ONNX = "network-symbol.json", "network-0000.params", "network.onnx"
MANIFEST, CARD = "model.json", "README.md"
FILES = frozenset((SYMBOL, PARAMETERS, ONNX, MANIFEST, CARD))  # all that a model's folder can have
FORMAT = 2  # of `model.json`; the first one had no number, no data and no metrics
MOST_PIXELS = 4096  # of a side that a network may ask for
MOST_BYTES = 10_000_000  # of `model.json`
MOST_TEMPERATURE = 1e6
MEND = "take another copy, or train again"


def read_manifest(folder: Path, sha256: str | None = None) -> dict[str, Any]:
    """Return what `model.json` says, after checking the hashes of all files that it names.

    Only the model card is not checked: nothing is computed from it, so a person may add to it.

    Args:
        folder: of the model.
        sha256: what `model.json` itself must have, where that is known from elsewhere.

    Raises:
        WeightsError: a file is missing or is not what was written.
    """
    try:
        manifest: dict[str, Any] = json.loads(_text_of(folder / MANIFEST))
        _check_format(manifest, folder)
        hashes = manifest["sha256"] | ({} if sha256 is None else {MANIFEST: sha256})
        computed = {name: expected for name, expected in hashes.items() if name != CARD}
        changed = [name for name, expected in computed.items() if sha256_of(folder / name) != expected]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"the model in {folder} cannot be read ({error}); {MEND}") from error
    if changed:
        raise WeightsError(f"{folder / changed[0]} has changed since it was written; {MEND}")
    return manifest


def classes_of(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return the classes in the order of the network's outputs.

    Raises:
        WeightsError: they are not at least two different names, each fit to be one of a folder, since
            `predict --sort-into` makes folders of them.
    """
    classes = manifest.get("classes")
    if not isinstance(classes, list) or len(classes) < 2 or not all(map(_is_name, classes)):
        raise WeightsError(f"the classes in {MANIFEST} are not at least two names of folders; {MEND}")
    if len(set(classes)) < len(classes):
        raise WeightsError(f"the classes in {MANIFEST} are not all different; {MEND}")
    return tuple(classes)


def preprocessing_of(manifest: dict[str, Any]) -> Preprocessing:
    """Return what the network expects of an image.

    Raises:
        WeightsError: it is not stated, or makes no sense.
    """
    try:
        fields = dict(manifest["preprocessing"])
        for key in ("mean", "std"):
            fields[key] = tuple(fields[key])
        found = Preprocessing(**fields)
        makes_sense = _makes_sense(found)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WeightsError(f"{MANIFEST} does not say what its network expects of an image; {MEND}") from error
    if not makes_sense:
        raise WeightsError(f"what {MANIFEST} says of the images of its network makes no sense; {MEND}")
    return found


def temperature_of(manifest: dict[str, Any]) -> float:
    """Return what the logits are to be divided by; 1 for a model that was written without it.

    Raises:
        WeightsError: it is not a number above 0.
    """
    temperature = manifest.get("temperature", 1.0)
    if not isinstance(temperature, float | int) or not 0 < temperature < MOST_TEMPERATURE:
        raise WeightsError(f"the temperature {temperature!r} in {MANIFEST} is not a number above 0; {MEND}")
    return float(temperature)


def uses_test_time_flip(manifest: dict[str, Any]) -> bool:
    """Return whether logits are the means over an image and its mirror image."""
    return manifest.get("test_time_flip", False) is True


def run_of(manifest: dict[str, Any]) -> int | None:
    """Return the number of the run that trained the model, in the home where that was; None if unknown."""
    run = manifest.get("run")
    return run if type(run) is int else None


def _text_of(file: Path) -> str:
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file.name} is larger than any")
    return file.read_text(encoding="utf-8")


def _check_format(manifest: dict[str, Any], folder: Path) -> None:
    written = manifest.get("format", 1)
    if not isinstance(written, int) or written > FORMAT:
        raise WeightsError(
            f"the model in {folder} has the format {written!r}, of a newer version of Whisker; update Whisker"
        )
    if not set(manifest["sha256"]) <= FILES:
        raise ValueError(f"{MANIFEST} names files that no model has")


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and name.isprintable()


def _makes_sense(how: Preprocessing) -> bool:
    sides = (how.size, how.short_side)
    return (
        all(type(side) is int and 0 < side <= MOST_PIXELS for side in sides)
        and how.resize in ("squash", "crop")
        and (how.resize == "squash" or how.size <= how.short_side)
        and how.interpolation in ("bilinear", "bicubic")
        and len(how.mean) == len(how.std) == 3
        and all(math.isfinite(value) for value in (*how.mean, *how.std))
        and min(how.std) > 0
    )
