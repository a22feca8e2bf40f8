import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.backbones import backbone_named
from pipeline.errors import WeightsError
from pipeline.pretrained.weights import WeightsFile, find_weights, load_pretrained
from pipeline.runtime import mx

# MXNet's nd.array uses an old name of scipy's; nothing will mend it there.
pytestmark = pytest.mark.filterwarnings("ignore:Please import `csr_matrix`:DeprecationWarning")

MOBILENET = backbone_named("mobilenet0.25")


def initialised(name: str, classes: int, seed: int) -> Any:
    mx.random.seed(seed)
    network = backbone_named(name).build(classes)
    network.initialize(mx.init.Xavier())
    return network


def explicit(path: Path) -> WeightsFile:
    return find_weights(backbone_named("mobilenet0.25"), Path("nowhere"), path)


def feature_values(network: Any) -> dict[str, Any]:
    parameters = network.features._collect_params_with_prefix()
    return {name: parameter.data().asnumpy() for name, parameter in parameters.items()}


def assert_same_features(first: Any, second: Any) -> None:
    expected = feature_values(second)
    for name, values in feature_values(first).items():
        assert np.array_equal(values, expected[name]), name


@pytest.fixture(scope="module")
def good_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parameters of a mobilenet0.25 for 5 classes, from seed 1."""
    file = tmp_path_factory.mktemp("good") / "good.params"
    initialised("mobilenet0.25", classes=5, seed=1).save_parameters(str(file))
    return file


@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "mobilenet0.25", "mobilenetv2_0.25"])
@pytest.mark.parametrize("form", ["structural", "legacy"])
def test_a_file_of_the_model_zoos_own_network_loads(name: str, form: str, tmp_path: Path) -> None:
    zoo_network = mx.gluon.model_zoo.vision.get_model(name, classes=1000)
    zoo_network.initialize(mx.init.Xavier())
    zoo_network(mx.nd.zeros((1, 3, 224, 224)))
    file = tmp_path / "good_file"
    if form == "structural":
        zoo_network.save_parameters(str(file))
    else:
        zoo_network.collect_params().save(str(file), strip_prefix=zoo_network.prefix)
    network = backbone_named(name).build(2)
    load_pretrained(network, backbone_named(name), explicit(file), mx.cpu())
    assert_same_features(network, zoo_network)


def test_the_last_layer_is_left_to_the_caller(good_file: Path) -> None:
    network = MOBILENET.build(2)
    load_pretrained(network, MOBILENET, explicit(good_file), mx.cpu())
    with pytest.raises(RuntimeError, match="has not been initialized"):
        network.output.weight.data()


def test_loading_replaces_what_a_trained_network_had(good_file: Path) -> None:
    network = initialised("mobilenet0.25", classes=2, seed=2)
    output = network.output.weight.data().asnumpy()
    load_pretrained(network, MOBILENET, explicit(good_file), mx.cpu())
    assert_same_features(network, initialised("mobilenet0.25", classes=5, seed=1))
    assert np.array_equal(network.output.weight.data().asnumpy(), output)


def test_a_lite_network_also_takes_a_file_that_gluon_wrote(tmp_path: Path) -> None:
    saved = initialised("efficientnet_lite0", classes=7, seed=3)
    saved.save_parameters(str(tmp_path / "own.params"))
    backbone = backbone_named("efficientnet_lite0")
    network = backbone.build(2)
    load_pretrained(network, backbone, explicit(tmp_path / "own.params"), mx.cpu())
    assert_same_features(network, saved)


def changed(good_file: Path, target: Path, name: str, values: Any) -> WeightsFile:
    """The good file with one array replaced, or taken out if `values` is None."""
    arrays = mx.nd.load(str(good_file))
    if values is None:
        del arrays[name]
    else:
        arrays[name] = mx.nd.array(values)
    mx.nd.save(str(target), arrays)
    return explicit(target)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (None, r"own\.params lacks the parameter features\.0\.weight"),
        (np.zeros((8, 3, 3, 4)), r"features\.0\.weight in .*own\.params has the shape \(8, 3, 3, 4\)"),
        (np.full((8, 3, 3, 3), np.nan), r"features\.0\.weight in .*own\.params is not finite"),
        (np.full((8, 3, 3, 3), np.inf), r"features\.0\.weight in .*own\.params is not finite"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    good_file: Path, tmp_path: Path, values: Any, reason: str
) -> None:
    file = changed(good_file, tmp_path / "own.params", "features.0.weight", values)
    with pytest.raises(WeightsError, match=reason):
        load_pretrained(MOBILENET.build(2), MOBILENET, file, mx.cpu())


def test_the_file_of_a_larger_network_of_the_family_is_refused(tmp_path: Path) -> None:
    larger = initialised("resnet34_v2", classes=2, seed=1)
    larger.save_parameters(str(tmp_path / "larger.params"))
    backbone = backbone_named("resnet18_v2")
    with pytest.raises(WeightsError, match=r"has a parameter features\..* that resnet18_v2 has not"):
        load_pretrained(backbone.build(2), backbone, explicit(tmp_path / "larger.params"), mx.cpu())


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x02.", b"PK\x03\x04", b"\x12\x01" + bytes(30)])
def test_a_file_of_another_kind_is_refused(good_file: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.params").write_bytes(content)
    with pytest.raises(WeightsError, match=r"own\.params"):
        load_pretrained(MOBILENET.build(2), MOBILENET, explicit(tmp_path / "own.params"), mx.cpu())


def test_arrays_without_names_are_refused(good_file: Path, tmp_path: Path) -> None:
    mx.nd.save(str(tmp_path / "list.params"), [mx.nd.zeros(3)])
    with pytest.raises(WeightsError, match="without names"):
        load_pretrained(MOBILENET.build(2), MOBILENET, explicit(tmp_path / "list.params"), mx.cpu())


def test_a_file_that_changed_since_it_was_found_is_refused(good_file: Path, tmp_path: Path) -> None:
    file = explicit(Path(shutil.copy(good_file, tmp_path / "own.params")))
    file.path.write_bytes(file.path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="has changed since it was found"):
        load_pretrained(MOBILENET.build(2), MOBILENET, file, mx.cpu())


def test_a_damaged_file_is_loaded_or_refused_with_its_name(good_file: Path, tmp_path: Path) -> None:
    draw = random.Random(1)
    content = good_file.read_bytes()
    network = MOBILENET.build(2)
    for _ in range(60):
        damaged = bytearray(content[: draw.choice([len(content), draw.randrange(len(content))])])
        for _ in range(3):
            damaged[draw.choice([draw.randrange(len(damaged)), draw.randrange(min(len(damaged), 100))])] = 255
        (tmp_path / "own.params").write_bytes(damaged)
        try:
            load_pretrained(network, MOBILENET, explicit(tmp_path / "own.params"), mx.cpu())
        except WeightsError as error:
            assert "own.params" in str(error)
