"""Write a Gluon network, or a part of one, as an ONNX model."""

import importlib
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from pipeline.onnx_nodes import IR_VERSION, OPSET
from pipeline.runtime import mx


def export_onnx(block: Any, size: int) -> bytes:
    """Return a block as a serialised ONNX model with the one input `data`, (batch, 3, size, size) float32.

    The number of images in a batch is free. The block is taken as it infers, not as it trains.

    Args:
        block: a HybridBlock or SymbolBlock with initialised parameters.
        size: pixels of an image's side.

    Raises:
        Exception: MXNet cannot translate an operator, or the model is not valid ONNX.
    """
    translate = _exporter()
    mx.nd.waitall()  # a pass that still computes may be bringing these very weights into oneDNN's order
    parameters = {
        name: parameter.list_data()[0].as_in_context(mx.cpu())
        for name, parameter in block.collect_params().items()
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        translate(
            block(mx.sym.var("data")), parameters, [(1, 3, size, size)], [np.float32], str(file),
            dynamic=True, dynamic_input_shapes=[("batch", 3, size, size)],
        )  # fmt: skip
        model = onnx.load(str(file))
    return _tidied(model)


def _tidied(model: Any) -> bytes:
    """Leave the images as the only input, and state the true opset."""
    constants = {constant.name for constant in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in constants]
    # A constant that is an input too could be replaced by a caller, so ONNX Runtime would fold nothing.
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised


def _exporter() -> Any:
    """Return MXNet's export function.

    It imports `onnx.mapping`, two tables that newer versions of onnx do not have any more; they are made
    from what took their place.
    """
    if "onnx.mapping" not in sys.modules:
        mapping: Any = types.ModuleType("onnx.mapping")
        kinds = ("FLOAT", "DOUBLE", "FLOAT16", "UINT8", "INT8", "INT32", "INT64", "BOOL")
        numbers = [getattr(onnx.TensorProto, kind) for kind in kinds]
        mapping.TENSOR_TYPE_TO_NP_TYPE = {n: onnx.helper.tensor_dtype_to_np_dtype(n) for n in numbers}
        mapping.NP_TYPE_TO_TENSOR_TYPE = {kind: n for n, kind in mapping.TENSOR_TYPE_TO_NP_TYPE.items()}
        sys.modules["onnx.mapping"] = onnx.mapping = mapping
    translate = importlib.import_module("mxnet.onnx").export_model
    importlib.import_module("mxnet.onnx.mx2onnx._export_onnx").MXNetGraph.register("null")(_translate_input)
    return translate


def _translate_input(node: Any, **facts: Any) -> tuple[list[Any], tuple[Any, ...]]:
    """Translate a weight, taken over as bytes, or the images.

    MXNet's own translator makes a list of Python's numbers of each weight, which is most of the time of an
    export. Returned is what it returns: the description of the input, and its type.
    """
    name = node["name"]
    if facts["is_input"]:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(facts["in_type"])
        return [onnx.helper.make_tensor_value_info(name, facts["in_type"], facts["in_shape"])], (dtype,)
    values = facts["weights"][name]
    tensor = onnx.numpy_helper.from_array(values, name)
    facts["initializer"].append(tensor)
    return [onnx.helper.make_tensor_value_info(name, tensor.data_type, values.shape)], (values.dtype,)
