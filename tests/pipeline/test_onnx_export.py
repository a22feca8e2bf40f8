"""Networks as ONNX models."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.backbones import backbone_named
from pipeline.network import forward_of, scratch_network, split_features
from pipeline.onnx_export import export_onnx
from pipeline.onnx_nodes import OPSET
from pipeline.onnx_runtime import open_model
from pipeline.processors import computing_threads, usable_processors
from pipeline.runtime import mx
from tests.pipeline.training import lively_network, small_network

SIDE = 64
FAMILIES = ("mobilenet0.25", "mobilenetv2_0.25", "resnet18_v1", "resnet18_v2", "resnet50_v1", "resnet50_v2")


def network_of(name: str, side: int) -> Any:
    backbone = backbone_named(name)
    preprocessing = replace(backbone.preprocessing, size=side, short_side=side + 8)
    return scratch_network(replace(backbone, preprocessing=preprocessing), 2, mx.cpu(), 0)


def noise(count: int, side: int = SIDE) -> Any:
    return np.random.default_rng(0).standard_normal((count, 3, side, side)).astype(np.float32)


def relative_difference(block: Any, images: Any) -> float:
    expected = forward_of(block, mx.cpu())(images)
    computed = open_model(export_onnx(block, images.shape[-1]))(images)
    assert computed.shape == expected.shape
    return float(np.abs(computed - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", FAMILIES)
def test_features_trunk_and_classifier_say_what_mxnet_says(name: str) -> None:
    network = network_of(name, SIDE)
    trunk, _ = split_features(network, backbone_named(name).tail_start)
    for block in (network.features, trunk, network):
        assert relative_difference(block, noise(3)) < 1e-5


@pytest.mark.parametrize(("name", "side"), [("efficientnet_lite0", 224), ("efficientnet_lite2", 260)])
def test_odd_padding_survives_the_export(name: str, side: int) -> None:
    network = network_of(name, side)
    trunk, _ = split_features(network, backbone_named(name).tail_start)
    assert relative_difference(network.features, noise(2, side)) < 1e-5
    assert relative_difference(trunk, noise(2, side)) < 1e-5


@pytest.mark.parametrize("engine", ["onnxruntime", "mxnet"])
def test_a_row_depends_on_its_image_alone(engine: str) -> None:
    features = small_network().features
    is_mxnet = engine == "mxnet"
    forward = forward_of(features, mx.cpu()) if is_mxnet else open_model(export_onnx(features, SIDE))
    images = noise(7)
    together = forward(images)
    assert (together == np.concatenate([forward(images[i : i + 1]) for i in range(7)])).all()
    assert (together == forward(images[::-1].copy())[::-1]).all()


def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    model = export_onnx(small_network().features, SIDE)
    rows = []
    for threads in range(1, usable_processors() + 1):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        rows.append(open_model(model)(noise(7)))
    assert all((other == rows[0]).all() for other in rows)


def test_the_images_are_the_only_input_and_the_opset_is_the_true_one() -> None:
    model = onnx.load_from_string(export_onnx(small_network(), SIDE))
    assert [item.name for item in model.graph.input] == ["data"]
    assert [opset.version for opset in model.opset_import] == [OPSET]
    onnx.checker.check_model(model, full_check=True)


def test_the_weights_are_those_of_the_network_bit_for_bit() -> None:
    network = small_network()
    bias = network.output.bias.data()
    bias[:] = mx.nd.array([1e-42, -0.1])  # smaller than the least normal number, and no sum of powers of two
    model = onnx.load_from_string(export_onnx(network, SIDE))
    written = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    for name, parameter in network.collect_params().items():
        expected = parameter.data().asnumpy()
        assert (written[name].dtype, written[name].shape) == (expected.dtype, expected.shape)
        assert written[name].tobytes() == expected.tobytes()


def test_an_operator_without_translation_is_an_error() -> None:
    class Strange(mx.gluon.HybridBlock):  # type: ignore[misc]
        def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
            return F.erfinv(x)

    with pytest.raises(AttributeError, match="erfinv"):
        export_onnx(Strange(), SIDE)


def test_a_model_runs_from_its_file_without_mxnet(tmp_path: Path) -> None:
    network = lively_network()
    (tmp_path / "model.onnx").write_bytes(export_onnx(network, SIDE))
    np.save(tmp_path / "images.npy", noise(2))
    program = f"""
import sys
from pathlib import Path
import numpy as np
from pipeline.onnx_runtime import open_model
folder = Path({str(tmp_path)!r})
np.save(folder / "logits.npy", open_model(folder / "model.onnx")(np.load(folder / "images.npy")))
print("mxnet" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    expected = forward_of(network, mx.cpu())(noise(2))
    assert np.load(tmp_path / "logits.npy") == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("100000", None), ("", None), ("x", None)])
def test_the_threads_are_the_processors_unless_fewer_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, value: str, threads: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert computing_threads() == (threads or usable_processors())
