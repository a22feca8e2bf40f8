import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.arrays import Array
from pipeline.backbones import backbone_named
from pipeline.efficientnet import VARIANTS, build_efficientnet, same_padding
from pipeline.errors import WeightsError
from pipeline.pretrained.torch_pickle import read_state_dict
from pipeline.pretrained.weights import WeightsFile, find_weights, load_pretrained
from pipeline.runtime import mx

# MXNet's nd.array uses an old name of scipy's; nothing will mend it there.
pytestmark = pytest.mark.filterwarnings("ignore:Please import `csr_matrix`:DeprecationWarning")

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "efficientnet_reference.json").read_text())
TOLERANCE = 1e-4  # of a logit


def weights_or_skip(name: str) -> WeightsFile:
    try:
        return find_weights(backbone_named(name), Path("nowhere"), download=False)
    except WeightsError as error:
        pytest.skip(str(error))


def state_dict(weights: WeightsFile) -> dict[str, Array]:
    return read_state_dict(weights.path.read_bytes(), weights.path.name)


def pretrained(name: str) -> Any:
    """The whole original classifier, its 1000 classes included."""
    weights = weights_or_skip(name)
    network = backbone_named(name).build(1000)
    load_pretrained(network, backbone_named(name), weights, mx.cpu())
    network.output.initialize()
    state = state_dict(weights)
    network.output.weight.set_data(mx.nd.array(state["_fc.weight"]))
    network.output.bias.set_data(mx.nd.array(state["_fc.bias"]))
    return network


def reference_images(size: int) -> Any:
    noise = np.random.RandomState(REFERENCE["seed"]).standard_normal((1, 3, size, size))
    return mx.nd.array(noise.astype(np.float32))


@pytest.mark.parametrize("name", VARIANTS)
def test_the_logits_are_those_of_the_original(name: str) -> None:
    reference = REFERENCE["networks"][name]
    logits = pretrained(name)(reference_images(reference["size"])).asnumpy()[0]
    assert np.abs(logits - np.array(reference["logits"])).max() < TOLERANCE


# SymbolBlock.imports says so of any network; the input is float32 unless told otherwise.
@pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning")
def test_the_logits_are_the_same_hybridised_and_after_export(tmp_path: Path) -> None:
    network = pretrained("efficientnet_lite0")
    expected = np.array(REFERENCE["networks"]["efficientnet_lite0"]["logits"])
    network.hybridize(static_alloc=True, static_shape=True)
    images = reference_images(224)
    assert np.abs(network(images).asnumpy()[0] - expected).max() < TOLERANCE
    network.export(str(tmp_path / "network"))
    files = str(tmp_path / "network-symbol.json"), ["data"], str(tmp_path / "network-0000.params")
    exported = mx.gluon.SymbolBlock.imports(*files)
    assert np.abs(exported(images).asnumpy()[0] - expected).max() < TOLERANCE


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        (224, 3, 2, (0, 1)),
        (112, 5, 2, (1, 2)),
        (15, 3, 2, (1, 1)),
        (65, 5, 2, (2, 2)),
        (14, 5, 1, (2, 2)),
        (7, 1, 1, (0, 0)),
    ],
)
def test_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int, padding: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == padding


def test_the_momentum_of_the_running_statistics_can_be_chosen() -> None:
    network = build_efficientnet("efficientnet_lite0", 2, momentum=0.5)
    network.initialize()
    norm = network.features[0][1]
    with mx.autograd.record():
        convolved = network.features[0][0](mx.nd.random.normal(shape=(2, 3, 224, 224)))
        normalised = norm(convolved)
    normalised.backward()  # MXNet updates the running statistics here
    mean = convolved.mean(axis=(0, 2, 3)).asnumpy()
    assert np.allclose(norm.running_mean.data().asnumpy(), 0.5 * mean, atol=1e-6)


def test_every_parameter_gets_a_gradient() -> None:
    network = build_efficientnet("efficientnet_lite0", 2)
    network.initialize(mx.init.Xavier())
    with mx.autograd.record():
        logits = network(mx.nd.random.normal(shape=(2, 3, 224, 224)))
        loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(logits, mx.nd.array([0, 1]))
    loss.backward()
    for name, parameter in network.collect_params().items():
        if parameter.grad_req != "null":
            gradient = parameter.grad().asnumpy()
            assert np.isfinite(gradient).all(), name
            assert gradient.any(), name
