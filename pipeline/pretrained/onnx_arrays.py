"""Read the weights of an ONNX model: nothing is run, and no other file is opened.

An ONNX model may keep its weights in other files, whose paths it names itself; such a model is refused. To
compare it, ONNX Runtime runs it afterwards, so it must be made of nothing but the operators of an image
classifier: those without loops, and without a way to make something large of something small.
"""

from collections.abc import Iterator
from typing import Any

import onnx
from onnx import numpy_helper

from pipeline.arrays import Array
from pipeline.pretrained.refused import in_short, one_sentence, refuse

OPERATORS = frozenset({
    "Add", "AveragePool", "BatchNormalization", "Clip", "Constant", "Conv", "Dropout", "Flatten", "Gemm",
    "GlobalAveragePool", "Identity", "MatMul", "MaxPool", "Mul", "Pad", "ReduceMean", "Relu", "Reshape",
    "Squeeze", "Sum",
})  # fmt: skip
EXTERNAL = onnx.TensorProto.EXTERNAL


def read_initialisers(content: bytes, name: str) -> dict[str, Array]:
    """Return the named arrays of a serialised ONNX model, called `name` in errors.

    Raises WeightsError if it is damaged, keeps its weights elsewhere, or is no plain image classifier.
    """
    with one_sentence(name, "ONNX"):
        model = onnx.ModelProto()
        model.ParseFromString(content)
        _check(model)
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        for node in model.graph.node:  # exporters keep equal weights once
            if node.op_type == "Identity" and node.input[0] in arrays:
                arrays[node.output[0]] = arrays[node.input[0]]
        return arrays


def _check(model: Any) -> None:
    for tensor in _tensors(model.graph):
        if tensor.data_location == EXTERNAL or tensor.external_data:
            where = next((entry.value for entry in tensor.external_data if entry.key == "location"), "?")
            refuse(
                f"it keeps weights in another file ({in_short(where)}), which is not opened; save it whole"
            )
    foreign = {node.op_type for node in model.graph.node if not _is_admitted(node)}
    if foreign or model.functions:
        refuse(f"it has the operator {in_short(min(foreign, default='?'))}, which no backbone here has")
    if not model.graph.initializer:
        refuse("it holds no weights")


def _is_admitted(node: Any) -> bool:
    return node.domain in ("", "ai.onnx") and node.op_type in OPERATORS


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield every tensor that the graph holds; refuse those that no classifier needs."""
    yield from graph.initializer
    if graph.sparse_initializer:
        refuse("it has sparse weights")
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        if attribute.HasField("g") or attribute.graphs or attribute.HasField("sparse_tensor"):
            refuse(f"its attribute {in_short(attribute.name)} is more than a number or a tensor")
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
