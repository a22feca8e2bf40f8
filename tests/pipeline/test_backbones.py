import subprocess
import sys

import numpy as np
import pytest

from pipeline.backbones import BACKBONES, Backbone, backbone_named
from pipeline.errors import UnknownBackbone
from pipeline.runtime import mx


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_trunk_and_last_stage_make_up_the_features(backbone: Backbone) -> None:
    network = backbone.build(2)
    network.initialize(mx.init.Xavier())
    size, k = backbone.preprocessing.size, backbone.tail_start
    images = mx.nd.random.normal(shape=(1, 3, size, size))
    features = network.features(images)
    assert features.shape == (1, network.output.weight.shape[1])
    assert 0 < k < len(network.features) - 2
    assert np.array_equal(network.features[k:](network.features[:k](images)).asnumpy(), features.asnumpy())


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_a_new_network_is_uninitialised_and_knows_all_its_shapes(backbone: Backbone) -> None:
    network = backbone.build(3)
    assert isinstance(network.output, mx.gluon.nn.Dense)
    assert network.output.weight.shape[0] == 3
    for parameter in network.collect_params().values():
        assert 0 not in parameter.shape
        with pytest.raises(RuntimeError, match="has not been initialized"):
            parameter.data()


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("efficientnet_lite0", (192, 7, 7)),
        ("resnet18_v2", (256, 14, 14)),
        ("mobilenet1.0", (512, 14, 14)),
        ("mobilenetv2_1.0", (160, 7, 7)),
        ("resnet18_tv", (256, 14, 14)),
        ("resnet50_tv", (1024, 14, 14)),
    ],
)
def test_the_last_stage_begins_where_its_record_says(name: str, shape: tuple[int, ...]) -> None:
    backbone = backbone_named(name)
    network = backbone.build(2)
    network.initialize()
    assert network.features[: backbone.tail_start](mx.nd.zeros((2, 3, 224, 224))).shape == (2, *shape)


@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "mobilenet0.25"])
def test_the_parameters_have_the_names_of_the_model_zoo(name: str) -> None:
    ours = backbone_named(name).build(1000)
    zoo = mx.gluon.model_zoo.vision.get_model(name)
    assert list(ours._collect_params_with_prefix()) == list(zoo._collect_params_with_prefix())


def test_two_networks_of_a_backbone_have_the_same_parameter_names_unless_told_otherwise() -> None:
    build = backbone_named("mobilenet0.25").build
    first, second, third = build(2), build(2), build(2, prefix="other_")
    assert list(first.collect_params()) == list(second.collect_params())
    assert all(name.startswith("other_") for name in third.collect_params())


def test_an_unknown_backbone_is_refused_with_the_names_on_offer() -> None:
    with pytest.raises(UnknownBackbone, match=r"no backbone 'vgg16'.*efficientnet_lite0.*resnet18_v2"):
        backbone_named("vgg16")


def test_lite_backbones_normalise_as_they_were_trained() -> None:
    preprocessing = backbone_named("efficientnet_lite1").preprocessing
    assert (preprocessing.size, preprocessing.short_side) == (240, 272)
    pixel = 200
    normalised = (pixel / 255 - preprocessing.mean[0]) / preprocessing.std[0]
    assert normalised == pytest.approx((pixel - 127) / 128)


def test_listing_backbones_and_weights_does_not_import_mxnet() -> None:
    code = (
        "import sys, pathlib; from pipeline.pretrained.listing import list_weights; "
        "list_weights(pathlib.Path('nowhere')); sys.exit('mxnet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
