"""Training in bfloat16 and float16."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.classifier import assemble
from pipeline.gradients import Gradients
from pipeline.lower_precision import LossScale, in_lower_precision
from pipeline.onnx_export import export_onnx
from pipeline.precision import BFLOAT16_FLAGS, Precision
from pipeline.processors import processor_flags
from pipeline.runtime import mx
from pipeline.train import fit_all_layers
from tests.pipeline.training import AROUND, classic, data_of, small_backbone

nn = mx.gluon.nn
SIZE = 32
TARGETS = mx.nd.array([0, 1, 1, 0])

needs_bfloat16 = pytest.mark.skipif(
    not processor_flags() & BFLOAT16_FLAGS, reason="this processor does not compute in bfloat16"
)


def tiny_network() -> Any:
    """Return a network of three convolutions, one of them depthwise, for images of 32 x 32 pixels."""
    mx.random.seed(0)
    features = nn.HybridSequential(prefix="tiny_features_")
    with features.name_scope():
        for channels, groups in ((8, 1), (8, 8), (16, 1)):
            convolution = nn.Conv2D(channels, 3, 2, 1, groups=groups, in_channels=8 if features else 3)
            features.add(convolution, nn.BatchNorm(), nn.Activation("relu"))
        features.add(nn.GlobalAvgPool2D(), nn.Flatten())
    network = assemble(features, 2, SIZE, "tiny_")
    network.initialize(mx.init.Xavier())
    network.hybridize(static_alloc=True)
    network(mx.nd.zeros((1, 3, SIZE, SIZE))).wait_to_read()  # as `scratch_network` does
    return network


def trainer_of(network: Any) -> Any:
    return mx.gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": 0.1})


def images() -> Any:
    noise = np.random.default_rng(0).standard_normal((len(TARGETS), 3, SIZE, SIZE))
    return mx.nd.array(noise.astype(np.float32))


def values(network: Any) -> dict[str, Array]:
    return {name: p.data().asnumpy() for name, p in network.collect_params().items()}


def trained(precision: Precision, updates: int = 12) -> tuple[list[float], Any]:
    """Return the losses of some updates on one batch, and the network."""
    network = tiny_network()
    gradients, trainer = Gradients(network, SIZE, mx.cpu(), precision), trainer_of(network)
    losses = []
    for _ in range(updates):
        loss, _ = gradients(images(), TARGETS)
        gradients.update(trainer, len(TARGETS))
        losses.append(float(loss.mean().asscalar()))
    return losses, network


@needs_bfloat16
def test_bfloat16_learns_as_float32_does_but_for_its_rounding() -> None:
    (exact, _), (rounded, _) = trained("float32"), trained("bfloat16")
    assert exact[-1] < 0.9 * exact[0]
    assert rounded == pytest.approx(exact, rel=0.02)
    assert rounded != exact


@needs_bfloat16
def test_two_trainings_in_bfloat16_have_the_same_bits() -> None:
    (losses, network), (again, other) = trained("bfloat16"), trained("bfloat16")
    assert losses == again
    for one, two in zip(values(network).values(), values(other).values(), strict=True):
        assert (one == two).all()


@needs_bfloat16
def test_weights_and_what_is_judged_and_exported_stay_float32() -> None:
    _, network = trained("bfloat16")
    assert {array.dtype for array in values(network).values()} == {np.dtype(np.float32)}
    as_text = network(mx.sym.var("data")).tojson(remove_amp_cast=False)
    assert "amp_cast" not in as_text
    assert b"BFloat16" not in export_onnx(network, SIZE)
    assert network(images()).dtype == np.float32


@needs_bfloat16
def test_the_gradients_of_parts_of_a_batch_are_added_in_bfloat16_too() -> None:
    sums = []
    for parts in (1, 2):
        network = tiny_network()
        gradients = Gradients(network, SIZE, mx.cpu(), "bfloat16", parts=parts)
        for _ in range(parts):
            gradients(images(), TARGETS)
        trained = [p for p in network.collect_params().values() if p.grad_req != "null"]
        sums.append([parameter.grad().asnumpy() for parameter in trained])
    for once, twice in zip(*sums, strict=True):
        assert (twice == 2 * once).all()


@needs_bfloat16
def test_the_training_of_a_run_is_in_the_precision_of_its_recipe(drawn: Path) -> None:
    data = data_of(drawn, small_backbone())
    losses = []
    for precision in ("float32", "bfloat16", "bfloat16"):
        recipe = classic(epochs=1, batch_size=12, precision=precision)
        epoch, tested = cast(Any, fit_all_layers(tiny_network(), data, recipe, AROUND))
        losses.append((epoch.train_loss, tested.log_loss))
    assert losses[1] == losses[2]
    assert losses[1] != losses[0]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_the_casts_of_float16_surround_convolutions_and_dense_layers() -> None:
    """MXNet cannot run this graph on a processor, so only its form is looked at."""
    network = tiny_network()
    graph = in_lower_precision(network, "float16")(mx.sym.var("data"))
    assert '"dtype": "float16"' in graph.tojson(remove_amp_cast=False)
    assert graph.list_arguments() == network(mx.sym.var("data")).list_arguments()
    assert graph.infer_type(data="float32")[1] == [np.float32]


def scaled_step(network: Any, scale: LossScale, *, spoil: bool = False) -> None:
    with mx.autograd.record():
        losses = mx.gluon.loss.SoftmaxCrossEntropyLoss()(network(images()), TARGETS)
    losses.backward(mx.nd.ones_like(losses) * scale.factor)
    if spoil:
        network.output.weight.grad()[:] = np.inf
    scale.update(trainer_of(network), network.collect_params().values(), len(TARGETS))


def output_weight(network: Any) -> Array:
    weight: Array = network.output.weight.data().asnumpy()
    return weight


def after_a_plain_update() -> Any:
    network = tiny_network()
    gradients = Gradients(network, SIZE, mx.cpu())
    gradients(images(), TARGETS)
    gradients.update(trainer_of(network), len(TARGETS))
    return network


def test_an_update_from_scaled_gradients_is_the_update_itself() -> None:
    scaled = tiny_network()
    scaled_step(scaled, LossScale())
    for expected, got in zip(values(after_a_plain_update()).values(), values(scaled).values(), strict=True):
        assert got == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_a_gradient_that_is_not_finite_changes_no_weight_and_halves_the_factor() -> None:
    network, scale = tiny_network(), LossScale()
    first, before = scale.factor, output_weight(network)
    scaled_step(network, scale, spoil=True)
    assert (output_weight(network) == before).all()
    scaled_step(network, scale)  # MXNet takes the new factor one update later
    assert output_weight(network) == pytest.approx(output_weight(after_a_plain_update()), rel=1e-5, abs=1e-7)
    assert scale.factor == first / 2
