"""Which engine runs frozen layers."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine import compare, try_onnxruntime
from pipeline.engine_choice import keep_choice, read_choice
from pipeline.network import forward_of
from pipeline.onnx_export import export_onnx
from pipeline.onnx_runtime import open_model
from pipeline.runtime import mx
from tests.pipeline.training import small_network

SAMPLE = np.random.default_rng(0).standard_normal((4, 3, 64, 64)).astype(np.float32)


class WronglyExported(mx.gluon.HybridBlock):  # type: ignore[misc]
    """Twice as large in its graph, which is exported, as in what MXNet computes step by step."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        return F.Flatten(x * 2 if F is mx.sym else x)


class NotExported(mx.gluon.HybridBlock):  # type: ignore[misc]
    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        return F.erfinv(F.Flatten(F.tanh(x)))


def test_onnx_runtime_is_taken_where_it_agrees_and_says_by_how_much_it_differs() -> None:
    trial = try_onnxruntime(small_network().features, SAMPLE, mx.cpu(), timed=False)
    assert trial.forward is not None
    assert trial.lasting
    assert trial.sentence.startswith("ONNX Runtime 1.")
    assert "differs from MXNet by at most " in trial.sentence
    assert " on 4 images (largest value " in trial.sentence


def test_one_weight_that_differs_by_a_hundredth_is_no_agreement() -> None:
    features = small_network().features
    forward = open_model(export_onnx(features, 64))
    weight = features[0].weight
    changed = weight.data().copy()
    changed[0] *= 1.01
    weight.set_data(changed)
    trial = compare(forward, forward_of(features, mx.cpu()), SAMPLE, "ONNX Runtime", timed=False)
    assert trial.forward is None
    assert trial.sentence.startswith("MXNet, since ONNX Runtime differs from it by at most ")


def test_a_graph_that_says_something_else_is_not_used() -> None:
    trial = try_onnxruntime(WronglyExported(), SAMPLE, mx.cpu(), timed=False)
    assert trial.forward is None
    assert "differs from it by at most" in trial.sentence


def test_layers_that_cannot_be_exported_are_left_to_mxnet_with_the_reason() -> None:
    trial = try_onnxruntime(NotExported(), SAMPLE, mx.cpu(), timed=False)
    assert trial.forward is None
    assert not trial.lasting
    assert trial.sentence.startswith("MXNet, since ONNX Runtime failed: ")
    assert "erfinv" in trial.sentence


def test_values_that_are_not_finite_are_no_agreement() -> None:
    features = small_network().features
    features[0].weight.set_data(mx.nd.full(features[0].weight.shape, np.nan))
    assert try_onnxruntime(features, SAMPLE, mx.cpu(), timed=False).forward is None


@pytest.mark.parametrize("timed", [True, False])
def test_a_much_slower_engine_is_left_only_where_time_counts(timed: bool) -> None:
    features = small_network().features
    forward, mxnet = open_model(export_onnx(features, 64)), forward_of(features, mx.cpu())

    def slow(images: Any) -> Any:
        started = time.perf_counter()
        mxnet(images)
        time.sleep(2 * (time.perf_counter() - started) + 0.5)
        return forward(images)

    trial = compare(slow, mxnet, SAMPLE, "ONNX Runtime", timed=timed)
    assert (trial.forward is None) == timed
    assert ("clearly slower" in trial.sentence) == timed


def test_a_choice_is_read_as_it_was_kept(tmp_path: Path) -> None:
    file = tmp_path / "engines" / "key.json"
    assert read_choice(file) is None
    keep_choice(file, ("mxnet", "MXNet, for a reason"))
    assert read_choice(file) == ("mxnet", "MXNet, for a reason")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'["tpu", "x"]', b'["mxnet", 3]', b"\xff", b"null"])
def test_a_damaged_choice_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.json").write_bytes(content)
    assert read_choice(tmp_path / "key.json") is None


def test_without_a_cache_nothing_is_kept_and_what_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    keep_choice(None, ("mxnet", "x"))
    (tmp_path / "engines").write_text("a file in the way")
    keep_choice(tmp_path / "engines" / "key.json", ("mxnet", "x"))
    assert read_choice(tmp_path / "engines" / "key.json") is None
