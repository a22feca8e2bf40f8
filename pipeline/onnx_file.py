"""The ONNX file that `export` writes: a network whose answers are probabilities, and all one must know of it.

images           normalised, float32 (N, 3, S, S); or with the preprocessing inside uint8 (N, H, W, 3), RGB
probabilities    float32 (N, classes): softmax of the logits, divided by the temperature
logits           float32 (N, classes), as the network gives them
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from pipeline.onnx_nodes import IR_VERSION, OPSET, Nodes
from pipeline.onnx_preprocessing import add_normalised, add_pixels
from pipeline.records import Preprocessing

IMAGES, LOGITS, PROBABILITIES = "images", "logits", "probabilities"
# Names in between: what the network takes, and what it gives, where mirror images go through it too.
_NORMALISED, _WITH_MIRRORS, _TWICE = "normalised_images", "images_and_mirror_images", "logits_of_both"
_BACKWARDS = np.array(
    [np.iinfo(np.int64).min], np.int64
)  # an end that a slice with a negative step never meets


@dataclass(frozen=True)
class OnnxFacts:
    """What goes into the file beside the network."""

    classes: Sequence[str]
    temperature: float
    preprocessing: Preprocessing
    test_time_flip: bool  # the logits are means over an image and its mirror image
    metadata: Mapping[str, str]


def finished(network: bytes, facts: OnnxFacts, *, with_preprocessing: bool) -> bytes:
    """Return a serialised network of one input and one output, the logits, as the file to be given away.

    Raises:
        Exception: what `onnx.checker` raises for a model that is not valid, types and shapes included.
    """
    model = onnx.load_from_string(network)
    graph, flips = model.graph, facts.test_time_flip
    normalised = _NORMALISED if with_preprocessing else IMAGES
    _rename(graph, graph.input[0].name, _WITH_MIRRORS if flips else normalised)
    _rename(graph, graph.output[0].name, _TWICE if flips else LOGITS)
    before, after = Nodes("preprocessing"), Nodes("answer")
    if with_preprocessing:
        add_normalised(
            before, add_pixels(before, IMAGES, facts.preprocessing), normalised, facts.preprocessing
        )
    if flips:
        _add_mirrors(before, normalised)
        _add_means(after, len(facts.classes))
    _add_probabilities(after, facts.temperature)
    _surround(graph, before, after)
    _set_interface(graph, facts, with_preprocessing=with_preprocessing)
    onnx.helper.set_model_props(model, dict(sorted(facts.metadata.items())))
    model.producer_name, model.producer_version = "whisker", facts.metadata["whisker"]
    onnx.checker.check_model(model, full_check=True)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def resizing(how: Preprocessing) -> bytes:
    """Return the resizing alone, from images, uint8 (N, H, W, 3), to pixels, float32 (N, 3, S, S)."""
    nodes = Nodes("preprocessing")
    pixels = add_pixels(nodes, IMAGES, how)
    make = onnx.helper.make_tensor_value_info
    images = make(IMAGES, onnx.TensorProto.UINT8, ["batch", "height", "width", 3])
    resized = make(pixels, onnx.TensorProto.FLOAT, ["batch", 3, how.size, how.size])
    graph = onnx.helper.make_graph(nodes.nodes, "resizing", [images], [resized], nodes.constants)
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    serialised: bytes = model.SerializeToString()
    return serialised


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def _add_mirrors(nodes: Nodes, images: str) -> None:
    """Add the mirror images behind the images."""
    backwards, columns = np.array([-1], np.int64), np.array([3], np.int64)
    mirrored = nodes.add("Slice", images, backwards, _BACKWARDS, columns, backwards)
    nodes.add("Concat", images, mirrored, output=_WITH_MIRRORS, axis=0)


def _add_means(nodes: Nodes, classes: int) -> None:
    """Add the means of the logits of each image and its mirror image."""
    pairs = nodes.add("Reshape", _TWICE, np.array([2, -1, classes], np.int64))
    nodes.add("ReduceMean", pairs, output=LOGITS, axes=[0], keepdims=0)


def _surround(graph: Any, before: Nodes, after: Nodes) -> None:
    nodes = [*before.nodes, *graph.node, *after.nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.constants, *after.constants])


def _set_interface(graph: Any, facts: OnnxFacts, *, with_preprocessing: bool) -> None:
    """State what goes in and comes out, with any number of images."""
    size, make = facts.preprocessing.size, onnx.helper.make_tensor_value_info
    if with_preprocessing:
        images = make(IMAGES, onnx.TensorProto.UINT8, ["batch", "height", "width", 3])
    else:
        images = make(IMAGES, onnx.TensorProto.FLOAT, ["batch", 3, size, size])
    shape = ["batch", len(facts.classes)]
    answers = [make(name, onnx.TensorProto.FLOAT, shape) for name in (PROBABILITIES, LOGITS)]
    for old, new in ((graph.input, [images]), (graph.output, answers), (graph.value_info, [])):
        del old[:]
        old.extend(new)


def _add_probabilities(nodes: Nodes, temperature: float) -> None:
    calibrated = nodes.add("Div", LOGITS, np.array(temperature, np.float32))
    nodes.add("Softmax", calibrated, output=PROBABILITIES, axis=1)
