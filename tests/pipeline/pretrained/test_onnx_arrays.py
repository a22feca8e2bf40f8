"""ONNX models as the library `onnx` makes them, honest and hostile."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import WeightsError
from pipeline.pretrained.onnx_arrays import read_initialisers

WEIGHT = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)


def model(*more_nodes: Any, initialisers: Any = None, **graph: Any) -> Any:
    """A convolution, and whatever else."""
    nodes = [helper.make_node("Conv", ["data", "weight"], ["out"], kernel_shape=[2, 2]), *more_nodes]
    if initialisers is None:
        initialisers = [numpy_helper.from_array(WEIGHT, "weight")]
    made = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        initialisers,
        **graph,
    )
    return helper.make_model(made)


def external(location: str) -> Any:
    tensor = numpy_helper.from_array(WEIGHT, "weight")
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return tensor


def refused(made: Any) -> str:
    with pytest.raises(WeightsError) as caught:
        read_initialisers(made.SerializeToString(), "x.onnx")
    message = str(caught.value)
    assert message.startswith("x.onnx cannot be read as ONNX weights: ") and "\n" not in message
    return message


def test_the_weights_of_a_model_are_read_by_name() -> None:
    arrays = read_initialisers(model().SerializeToString(), "x.onnx")
    assert list(arrays) == ["weight"]
    assert np.array_equal(arrays["weight"], WEIGHT)


def test_weights_that_an_exporter_kept_once_are_read_under_all_their_names() -> None:
    again = helper.make_node("Identity", ["weight"], ["other.weight"])
    arrays = read_initialisers(model(again).SerializeToString(), "x.onnx")
    assert np.array_equal(arrays["other.weight"], WEIGHT)


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "weights.bin", "a\nb"])
def test_a_model_that_names_another_file_is_refused_without_opening_it(location: str) -> None:
    assert "keeps weights in another file" in refused(model(initialisers=[external(location)]))
    constant = helper.make_node("Constant", [], ["c"], value=external(location))
    assert "keeps weights in another file" in refused(model(constant))


def test_a_model_that_onnx_itself_saved_in_two_files_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    onnx.save(model(), file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(WeightsError, match=r"in another file \(weights\.bin\)"):
        read_initialisers(file.read_bytes(), "model.onnx")


def branch() -> Any:
    inner = helper.make_graph([], "inner", [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)])
    return helper.make_node("If", ["data"], ["y"], then_branch=inner, else_branch=inner)


def misplaced_graph() -> Any:
    inner = helper.make_graph([], "inner", [], [])
    return helper.make_node("Relu", ["out"], ["y"], body=inner)


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (helper.make_node("ConstantOfShape", ["data"], ["y"]), "the operator ConstantOfShape"),
        (helper.make_node("Loop", ["data"], ["y"]), "the operator Loop"),
        (helper.make_node("DequantizeLinear", ["data", "data"], ["y"]), "the operator DequantizeLinear"),
        (helper.make_node("Conv", ["data", "weight"], ["y"], domain="com.example"), "the operator Conv"),
        (branch(), "attribute"),
        (misplaced_graph(), "attribute body"),
    ],
)
def test_a_model_with_more_than_an_image_classifier_needs_is_refused(node: Any, reason: str) -> None:
    assert reason in refused(model(node))


def test_a_model_without_weights_is_refused() -> None:
    assert "holds no weights" in refused(model(initialisers=[]))


def test_sparse_weights_are_refused() -> None:
    values = helper.make_tensor("weight", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [3])
    sparse = helper.make_sparse_tensor(values, indices, [24])
    assert "sparse" in refused(model(sparse_initializer=[sparse]))


@pytest.mark.parametrize("dims", [[2**40, 2**20], [-1, 5], [2, 3, 2, 3]])
def test_weights_that_state_another_size_than_they_have_are_refused(dims: list[int]) -> None:
    tensor = numpy_helper.from_array(WEIGHT, "weight")
    tensor.ClearField("dims")
    tensor.dims.extend(dims)
    assert "damaged or cut short" in refused(model(initialisers=[tensor]))


def test_a_damaged_model_is_read_or_refused_in_one_sentence() -> None:
    draw = random.Random(1)
    content = model().SerializeToString()
    for _ in range(300):
        damaged = bytearray(content[: draw.randrange(1, len(content))])
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            read_initialisers(bytes(damaged), "x.onnx")
        except WeightsError as error:
            assert "\n" not in str(error)
