"""Turn the bytes of a weights file into the arrays of a backbone, or say what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.backbones import Backbone
from pipeline.errors import WeightsError
from pipeline.pretrained.files import ONNX, read_arrays
from pipeline.pretrained.names import Naming, best_naming, gluon_namings
from pipeline.pretrained.refused import in_short

# What a file may hold besides what is used: a last layer under other names, PyTorch's counts of batches, and
# the single numbers and shapes that ONNX keeps among the weights.
OUTPUT_NAMES = ("output", "dense", "_fc.")
COUNTER_SUFFIX = ".num_batches_tracked"
MOST_AXES = 8  # of a shape, or of a padding
HEAD = ("output.weight", "output.bias")


@dataclass(frozen=True)
class Shapes:
    """What a network's parameters look like, by their structural names."""

    features: Mapping[str, tuple[int, ...]]  # features.0.weight -> its shape
    legacy_names: Mapping[str, str]  # of the same, as Gluon called them in files before version 1.2
    width: int  # of the features, which the last layer takes


@dataclass(frozen=True)
class Mapped:
    """What of a file became parameters of a backbone."""

    kind: str  # of the file, such as safetensors
    whose: str  # names it uses
    # Float32 and finite, by structural name: all features, and the last layer if the file has it.
    values: dict[str, Array]
    read: int  # arrays in the file
    left_over: tuple[str, ...]  # by the names in the file
    missing: tuple[str, ...]  # of the last layer, by structural name


def shapes_of(network: Any) -> Shapes:
    """Return the shapes of a network that a backbone has built."""
    parameters = network.features._collect_params_with_prefix("features")
    return Shapes(
        {name: tuple(parameter.shape) for name, parameter in parameters.items()},
        {name: parameter.name.removeprefix(network.prefix) for name, parameter in parameters.items()},
        int(network.output.weight.shape[1]),
    )


def map_content(content: bytes, file: str, backbone: Backbone, shapes: Shapes) -> Mapped:
    """Return what a weights file holds of a backbone's parameters.

    `content` is the whole file, `file` what errors call it. Raises WeightsError if it is damaged, of another
    kind or of another network: each parameter of the features must be there in its shape and finite, and no
    others that a classifier would not have.
    """
    kind, stored = read_arrays(content, file)
    read = len(stored)
    naming = best_naming((*gluon_namings(shapes.legacy_names, stored), *backbone.namings()), stored)
    _check_names(naming, stored, file, kind)
    values = {
        ours: _taken(stored, theirs, shapes.features[ours], file) for ours, theirs in naming.features.items()
    }
    values.update(_head(stored, naming, shapes.width, file))
    _check_left_over(stored, file, backbone)
    missing = tuple(name for name in HEAD if name not in values)
    return Mapped(kind, naming.whose, values, read, tuple(sorted(stored)), missing)


def _check_names(naming: Naming, stored: dict[str, Array], file: str, kind: str) -> None:
    missing = [name for name in naming.features.values() if name not in stored]
    if missing:
        more = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        or_folded = ", or its BatchNorm was folded when it was exported" if kind == ONNX else ""
        raise WeightsError(
            f"{file} lacks the parameter {missing[0]}{more}; it belongs to another network{or_folded}"
        )


def _taken(stored: dict[str, Array], name: str, shape: tuple[int, ...], file: str) -> Array:
    """Take one array out of `stored`, checked."""
    array = stored.pop(name)
    if array.shape != shape:
        raise WeightsError(
            f"the parameter {name} in {file} has the shape {array.shape} instead of {shape}; "
            "it belongs to another network"
        )
    values: Array = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise WeightsError(f"the parameter {name} in {file} is not finite; fetch the file again")
    return values


def _head(stored: dict[str, Array], naming: Naming, width: int, file: str) -> dict[str, Array]:
    """Take the last layer out of `stored`, of any number of classes; a 1x1 convolution is one, too."""
    for weight, bias in naming.heads:
        if weight in stored and stored[weight].ndim in (2, 4):
            classes = stored[weight].shape[0]
            shape = (classes, width, 1, 1)[: stored[weight].ndim]
            values = _taken(stored, weight, shape, file).reshape(classes, width)
            biases = np.zeros(classes, np.float32)
            if bias in stored:
                biases = _taken(stored, bias, (classes,), file)
            return dict(zip(HEAD, (values, biases), strict=True))
    return {}


def _check_left_over(stored: dict[str, Array], file: str, backbone: Backbone) -> None:
    """Refuse the file of a larger network of the same family, whose first parameters would all fit."""
    for name, array in stored.items():
        is_constant = array.ndim == 0 or (array.dtype.kind in "iu" and array.size <= MOST_AXES)
        if not (is_constant or name.startswith(OUTPUT_NAMES) or name.endswith(COUNTER_SUFFIX)):
            raise WeightsError(
                f"{file} has a parameter {in_short(name)} that {backbone.name} has not; "
                "it belongs to another network"
            )
