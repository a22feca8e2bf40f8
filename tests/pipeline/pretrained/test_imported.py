from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pipeline.backbones import backbone_named
from pipeline.errors import WeightsError
from pipeline.pretrained.imported import (
    ImportRecord,
    forget,
    imported_file,
    read_record,
    record_file,
    write_record,
)
from pipeline.pretrained.weights import damaged_weights, find_weights
from pipeline.publish import sha256_of

NAME = "resnet18_tv"


def stored(folder: Path, content: bytes = b"parameters") -> ImportRecord:
    """Imported weights whose content nobody reads here."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{NAME}-imported-{content.hex()[:8]}.params"
    file.write_bytes(content)
    record = ImportRecord(
        NAME,
        file.name,
        sha256_of(file),
        "/from/a/colleague.pth",
        "ab" * 32,
        "PyTorch",
        "2026-11-26T08:00:00+00:00",
    )
    write_record(folder, record)
    return record


def test_imported_weights_are_found_with_where_they_come_from(tmp_path: Path) -> None:
    record = stored(tmp_path)
    found = find_weights(backbone_named(NAME), tmp_path, download=False)
    assert (found.path, found.sha256) == (tmp_path / record.file, record.sha256)
    assert found.source == f"imported on 2026-11-26 from colleague.pth (SHA-256 {'ab' * 32})"


def test_a_file_that_is_named_goes_before_imported_ones(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "own").write_bytes(b"own")
    assert find_weights(backbone_named(NAME), tmp_path, tmp_path / "own").path == tmp_path / "own"


def test_a_second_import_takes_the_place_of_the_first(tmp_path: Path) -> None:
    stored(tmp_path)
    second = stored(tmp_path, b"others")
    assert read_record(tmp_path, NAME) == second
    assert sorted(tmp_path.iterdir()) == sorted([record_file(tmp_path, NAME), tmp_path / second.file])


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    forget(tmp_path, NAME)
    stored(tmp_path)
    forget(tmp_path, NAME)
    assert list(tmp_path.iterdir()) == []
    assert read_record(tmp_path, NAME) is None


def test_a_file_in_the_place_of_the_folder_holds_no_record(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert read_record(tmp_path / "file", NAME) is None


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_imported_weights_that_were_damaged_since_are_noticed_and_named(tmp_path: Path, damage: str) -> None:
    record = stored(tmp_path)
    file = tmp_path / record.file
    content = file.read_bytes()
    file.unlink()
    if damage != "remove":
        file.write_bytes(content[:-1] + (b"S" if damage == "flip" else b""))
    message = rf"{record.file} .*: import /from/a/colleague\.pth again, or delete .*{NAME}\.imported\.json"
    with pytest.raises(WeightsError, match=message) as caught:
        find_weights(backbone_named(NAME), tmp_path, download=False)
    assert damaged_weights(tmp_path) == [str(caught.value)]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"backbone": "resnet18_tv"}', '"text"', "\x00"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    stored(tmp_path)
    record_file(tmp_path, NAME).write_text(text)
    with pytest.raises(WeightsError, match=r"the record .*\.imported\.json .* cannot be read"):
        find_weights(backbone_named(NAME), tmp_path, download=False)


def test_a_record_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    record = stored(folder)
    outside = (folder / record.file).rename(tmp_path / "outside.params")
    with pytest.raises(WeightsError, match="cannot be read"):
        imported_file(folder, replace(record, file=f"../{outside.name}"))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = stored(tmp_path)
    assert read_record(tmp_path, NAME) == record
    assert all(asdict(record).values())
