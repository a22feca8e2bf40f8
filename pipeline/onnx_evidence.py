"""The evidence of a published network by ONNX Runtime: its graph is cut before the pooling, in memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from pipeline.arrays import Array
from pipeline.evidence import EvidenceModel
from pipeline.manifest import ONNX, preprocessing_of, read_manifest, uses_test_time_flip
from pipeline.onnx_runtime import open_model

_KEEPS_THE_VALUES = frozenset({"Flatten", "Identity", "Reshape", "Squeeze"})


@dataclass(frozen=True)
class _End:
    """How a graph ends: in a dense layer over the mean of its activations."""

    activations: str
    weight: Array  # float32 (classes, K)
    bias: Array  # float32 (classes,)


def open_onnx_evidence(folder: Path) -> EvidenceModel | None:
    """Open a published model for its evidence.

    Returns:
        None if it has no ONNX file, or does not end in global average pooling and a dense layer.

    Raises:
        WeightsError: a file of the model is missing or is not what was written.
    """
    manifest = read_manifest(folder)
    if ONNX not in manifest["sha256"]:
        return None
    model = onnx.load(str(folder / ONNX))
    end = _end_of(model.graph)
    if end is None:
        return None
    del model.graph.output[:]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(end.activations, onnx.TensorProto.FLOAT, None)
    )
    activations = open_model(model.SerializeToString())  # what comes after its output it leaves out
    return EvidenceModel(
        tuple(manifest["classes"]),
        preprocessing_of(manifest),
        activations,
        end.weight,
        end.bias,
        uses_test_time_flip(manifest),
    )


def _end_of(graph: Any) -> _End | None:
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {constant.name: constant for constant in graph.initializer}
    dense = made_by[graph.output[0].name]
    if dense.op_type != "Gemm" or len(dense.input) != 3 or not set(dense.input[1:]) <= set(constants):
        return None
    node = made_by.get(dense.input[0])
    while node is not None and node.op_type in _KEEPS_THE_VALUES:
        node = made_by.get(node.input[0])
    if node is None or node.op_type != "GlobalAveragePool":
        return None
    weight, bias = (onnx.numpy_helper.to_array(constants[name]) for name in dense.input[1:])
    is_transposed = any(attribute.name == "transB" and attribute.i for attribute in dense.attribute)
    return _End(node.input[0], weight if is_transposed else weight.T, bias)
