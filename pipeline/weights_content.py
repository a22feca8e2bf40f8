"""Turn the bytes of a weights file into the arrays of a backbone's features, or say what is wrong with it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.backbones import Backbone
from pipeline.errors import WeightsError
from pipeline.runtime import mx
from pipeline.torch_pickle import read_state_dict

Array = npt.NDArray[Any]

GLUON_MAGIC = bytes.fromhex("1201000000000000")  # kMXAPINDArrayListMagic, little-endian
TORCH_MAGICS = (b"\x80", b"PK")  # a pickle, or the zip of PyTorch 1.6 and later

# What a classifier's file holds besides the features: its last layer, under any of its usual names, and
# PyTorch's counts of batches.
OUTPUT_NAMES = ("output", "dense", "_fc.")
COUNTER_SUFFIX = ".num_batches_tracked"


def read_features(
    content: bytes,
    file: str,
    backbone: Backbone,
    shapes: Mapping[str, tuple[int, ...]],
    legacy_names: Mapping[str, str],
) -> dict[str, Array]:
    """Return a float32 array for each name in `shapes`, in its shape and finite.

    Args:
        content: the whole file.
        file: what errors call it.
        backbone: whose file it should be.
        shapes: of all parameters of the features, by structural name (`features.0.weight`).
        legacy_names: the names that Gluon gave them in files before version 1.2.

    Raises:
        WeightsError: the file is damaged, of another kind or of another network.
    """
    stored = _read_arrays(content, file, backbone)
    values = {name: _value(stored, name, legacy_names[name], shape, file) for name, shape in shapes.items()}
    _check_nothing_else(stored, file, backbone)
    return values


def _read_arrays(content: bytes, file: str, backbone: Backbone) -> dict[str, Array]:
    if content.startswith(GLUON_MAGIC):
        return _read_gluon(content, file)
    if backbone.weights.package is not None and content.startswith(TORCH_MAGICS):
        return _read_torch(content, file, backbone)
    raise WeightsError(
        f"{file} is not a weights file that {backbone.name} can use; pass another with --weights"
    )


def _read_gluon(content: bytes, file: str) -> dict[str, Array]:
    try:
        loaded = mx.nd.load_frombuffer(content)
        if isinstance(loaded, dict):
            return {name: array.asnumpy() for name, array in loaded.items()}
    except (mx.MXNetError, UnicodeError, ValueError, MemoryError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(f"{file} is damaged ({reason}); fetch the file again") from error
    raise WeightsError(f"{file} holds arrays without names; pass a file that `save_parameters` wrote")


def _read_torch(content: bytes, file: str, backbone: Backbone) -> dict[str, Array]:
    from pipeline.efficientnet import torch_names

    state = read_state_dict(content, file)
    renamed = {theirs: f"features.{ours}" for ours, theirs in torch_names(backbone.name).items()}
    return {renamed.get(name, name): array for name, array in state.items()}


def _value(stored: dict[str, Array], name: str, legacy_name: str, shape: tuple[int, ...], file: str) -> Array:
    """Take one array out of `stored`, checked."""
    key = name if name in stored else legacy_name
    if key not in stored:
        raise WeightsError(f"{file} lacks the parameter {name}; it belongs to another network")
    array = stored.pop(key)
    if array.shape != shape:
        raise WeightsError(
            f"the parameter {name} in {file} has the shape {array.shape} instead of {shape}; "
            "it belongs to another network"
        )
    if not np.isfinite(array).all():
        raise WeightsError(f"the parameter {name} in {file} is not finite; fetch the file again")
    return array.astype(np.float32)


def _check_nothing_else(rest: dict[str, Array], file: str, backbone: Backbone) -> None:
    """Refuse the file of a larger network of the same family, whose first parameters would all fit."""
    for name in rest:
        if not name.startswith(OUTPUT_NAMES) and not name.endswith(COUNTER_SUFFIX):
            raise WeightsError(
                f"{file} has a parameter {name} that {backbone.name} has not; it belongs to another network"
            )
