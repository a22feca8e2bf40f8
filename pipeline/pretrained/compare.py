"""Compare a network with the ONNX model that its weights come from, by what both compute."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.backbones import Backbone
from pipeline.errors import WeightsError
from pipeline.onnx_runtime import open_model
from pipeline.pretrained.content import HEAD, Mapped
from pipeline.pretrained.files import ONNX
from pipeline.pretrained.refused import in_short
from pipeline.runtime import mx

IMAGES = 2  # of noise
TOLERANCE = 1e-4  # of the largest value: rounding makes some 1e-6, another padding or epsilon far more


@dataclass(frozen=True)
class Comparison:
    """How far a network is from its source."""

    difference: (
        float | None
    )  # the largest of all outputs, as a share of the largest value; None: not compared
    words: str  # with what, or why with nothing


def compare(content: bytes, mapped: Mapped, backbone: Backbone, file: str) -> Comparison:
    """Run an ONNX model and the backbone with its weights on noise; other files hold nothing to be run.

    Raises WeightsError if the two do not compute the same, or ONNX Runtime cannot run the model.
    """
    if mapped.kind != ONNX:
        return Comparison(
            None, f"with nothing, for a file of {mapped.kind} holds no network that could be run"
        )
    if mapped.missing:
        return Comparison(None, "with nothing, for the file has no last layer")
    size = backbone.preprocessing.size
    images = np.random.default_rng(0).standard_normal((IMAGES, 3, size, size)).astype(np.float32)
    expected = _outputs(content, images, file)
    if np.ptp(expected) == 0:
        return Comparison(None, "with nothing, for on noise all outputs of the file are the same")
    found = _network(mapped, backbone)(mx.nd.array(images)).asnumpy()
    difference = _difference(expected, found)
    if not difference <= TOLERANCE:
        raise WeightsError(
            f"{file} has the parameters of {backbone.name}, but computes something else: on noise, the "
            f"outputs differ by {difference:.1e} of the largest; it is another network"
        )
    return Comparison(difference, f"with the file in ONNX Runtime, on {IMAGES} images of noise")


def _network(mapped: Mapped, backbone: Backbone) -> Any:
    """Return the whole network with the file's values; its last layer is in the file too."""
    network = backbone.build(mapped.values[HEAD[0]].shape[0])
    network.initialize(mx.init.Zero())
    for name, parameter in network._collect_params_with_prefix().items():
        parameter.set_data(mx.nd.array(mapped.values[name]))
    return network


def _difference(expected: Array, found: Array) -> float:
    if expected.shape != found.shape:
        return float("inf")
    return float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-30))


def _outputs(content: bytes, images: Array, file: str) -> Array:
    """Run an ONNX model on one image after the other, as many models take no more at once."""
    try:
        forward = open_model(content)
        return np.concatenate([forward(image[None]).reshape(1, -1) for image in images])
    except Exception as error:  # ONNX Runtime's errors have no common type
        raise WeightsError(
            f"{file} cannot be run by ONNX Runtime ({in_short(error)}); export it again"
        ) from error
