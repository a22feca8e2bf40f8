"""Models as zip files: the same bytes, and nothing that a stranger put in them."""

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import SaveFailed, WeightsError
from pipeline.manifest import CARD, MANIFEST, ONNX
from pipeline.packed_model import MOST_BYTES, pack, unpacked
from pipeline.publish import sha256_of
from tests.pipeline.published import publish


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("model") / "run-0001")


def zipped(file: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def test_a_packed_model_is_the_same_file_by_file(model: Path, tmp_path: Path) -> None:
    pack(model, tmp_path / "model.zip")
    with unpacked(tmp_path / "model.zip") as folder:
        assert {path.name: sha256_of(path) for path in folder.iterdir()} == {
            path.name: sha256_of(path) for path in model.iterdir()
        }
        assert folder.stat().st_mode & 0o077 == 0, "nobody else can change it meanwhile"
    assert not folder.exists()


def test_the_same_model_gives_the_same_bytes_whenever_and_wherever(model: Path, tmp_path: Path) -> None:
    pack(model, tmp_path / "one.zip")
    for path in model.iterdir():
        os.utime(path, (time.time() + 1000, 0))
    (model / "notes.txt").write_text("not of the model")
    before = os.umask(0o077)
    pack(model, tmp_path / "other.zip")
    os.umask(before)
    (model / "notes.txt").unlink()
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_a_model_whose_card_was_thrown_away_is_packed_without_it(model: Path, tmp_path: Path) -> None:
    card = (model / CARD).read_bytes()
    (model / CARD).unlink()
    pack(model, tmp_path / "model.zip")
    (model / CARD).write_bytes(card)
    assert CARD not in zipfile.ZipFile(tmp_path / "model.zip").namelist()


def test_a_damaged_model_is_not_packed(model: Path, tmp_path: Path) -> None:
    whole = (model / ONNX).read_bytes()
    (model / ONNX).write_bytes(whole[:-1])
    with pytest.raises(WeightsError, match=r"network\.onnx has changed since it was written"):
        pack(model, tmp_path / "model.zip")
    (model / ONNX).write_bytes(whole)
    assert list(tmp_path.iterdir()) == []


def bomb(file: Path) -> Path:
    """Return a file of some kB that says it holds more than any model."""
    zipped(file, {MANIFEST: bytes(1000)}, compression=zipfile.ZIP_DEFLATED)
    data = file.read_bytes()
    size = (1000).to_bytes(4, "little")
    file.write_bytes(data.replace(size, (MOST_BYTES + 1).to_bytes(4, "little")))
    return file


def liar(file: Path) -> Path:
    """Return a file with a member that is longer than it says."""
    zipped(file, {MANIFEST: bytes(100_000)}, compression=zipfile.ZIP_DEFLATED)
    file.write_bytes(file.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    return file


def twice(file: Path) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST, b"{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(MANIFEST, b"[]")
    return file


def locked(file: Path) -> Path:
    zipped(file, {MANIFEST: b"{}"})
    data = bytearray(file.read_bytes())
    for start in (6, data.index(b"PK\x01\x02") + 8):  # the flag "encrypted", in both headers
        data[start] |= 1
    file.write_bytes(data)
    return file


def text(file: Path) -> Path:
    file.write_text("no zip file")
    return file


def cut(file: Path) -> Path:
    zipped(file, {MANIFEST: b"{}" * 1000})
    file.write_bytes(file.read_bytes()[:-30])
    return file


def pipe(file: Path) -> Path:
    os.mkfifo(file)
    return file


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "a name that climbs": lambda file: zipped(file, {MANIFEST: b"{}", "../../evil": b""}),
    "an absolute name": lambda file: zipped(file, {MANIFEST: b"{}", "/etc/evil": b""}),
    "a folder": lambda file: zipped(file, {MANIFEST: b"{}", "network.onnx/": b""}),
    "a folder around it": lambda file: zipped(file, {f"run-0001/{MANIFEST}": b"{}"}),
    "a file more": lambda file: zipped(file, {MANIFEST: b"{}", "setup.py": b""}),
    "nothing": lambda file: zipped(file, {}),
    "another compression": lambda file: zipped(file, {MANIFEST: b"{}"}, compression=zipfile.ZIP_BZIP2),
    "too much": bomb,
    "more than it says": liar,
    "a name twice": twice,
    "a password": locked,
    "text": text,
    "half of it": cut,
    "a pipe": pipe,
    "no file": lambda file: file,
    "an empty file": lambda file: zipped(file, {}) and (file.write_bytes(b""), file)[1],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_packed_model_is_one_sentence_that_names_the_file(tmp_path: Path, kind: str) -> None:
    file = HOSTILE[kind](tmp_path / "inbox" / "model.zip" if kind == "no file" else tmp_path / "model.zip")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WeightsError, match=r"model\.zip") as caught, unpacked(file) as folder:
        from pipeline.manifest import read_manifest

        read_manifest(folder)  # some lie only when they are read
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_a_zip_file_becomes_a_plain_file(tmp_path: Path) -> None:
    member = zipfile.ZipInfo(MANIFEST)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(member, b"/etc/passwd")
    (tmp_path / "model.zip").write_bytes(content.getvalue())
    with unpacked(tmp_path / "model.zip") as folder:
        assert not (folder / MANIFEST).is_symlink()
        assert (folder / MANIFEST).read_bytes() == b"/etc/passwd"


def test_a_file_that_cannot_be_written_is_one_sentence(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SaveFailed, match=r"model\.zip cannot be written"):
        pack(model, tmp_path / "file" / "model.zip")
