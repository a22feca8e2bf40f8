import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import WeightsError, WeightsUnreachable
from pipeline.pretrained.download import download, extract_member
from tests.pipeline.loopback_zoo import Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


def test_a_server_that_never_answers(server: Server, tmp_path: Path) -> None:
    server.is_silent = True
    with pytest.raises(WeightsUnreachable, match="timed out"):
        download(f"{server.address}/file", tmp_path / "file", timeout_seconds=0.3)
    assert not (tmp_path / "file").exists()


def test_a_download_of_a_wrong_file_leaves_the_old_one(server: Server, tmp_path: Path) -> None:
    server.pages["/file"] = b"new"
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with pytest.raises(WeightsError, match="SHA-1") as refused:
        download(f"{server.address}/file", target, sha1="0" * 40)
    assert not refused.value.passes
    assert target.read_bytes() == b"old"
    download(f"{server.address}/file", target, sha1=hashlib.sha1(b"new").hexdigest())
    assert target.read_bytes() == b"new"


def test_an_archive_that_unpacks_to_more_than_any_weights_have_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10_001))
    with pytest.raises(WeightsError, match="larger than 10000 bytes"):
        extract_member(tmp_path / "bomb.zip", "bomb", tmp_path / "bomb", sha1="0" * 40, max_bytes=10_000)
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.zip"]
