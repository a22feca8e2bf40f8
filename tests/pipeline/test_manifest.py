"""What a model says of itself, which may come from anybody."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import WeightsError
from pipeline.manifest import FORMAT, MANIFEST, classes_of, preprocessing_of, read_manifest, run_of

HOW: dict[str, Any] = {
    "size": 64,
    "resize": "crop",
    "short_side": 72,
    "interpolation": "bicubic",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
}


@pytest.mark.parametrize(
    "classes",
    [
        None, "cat", [], ["cat"], ["cat", "cat"], ["cat", 2], ["cat", ""], ["cat", "."], ["cat", ".."],
        ["cat", "../dog"], ["cat", "/etc"], ["cat", "do\0g"], ["cat", "do\ng"],
        ["cat", "\N{RIGHT-TO-LEFT OVERRIDE}"],
    ],
)  # fmt: skip
def test_classes_that_could_be_no_folders_are_refused(classes: object) -> None:
    with pytest.raises(WeightsError, match=r"the classes in model\.json are not"):
        classes_of({"classes": classes})


@pytest.mark.parametrize("name", ["Дог", "c a t", "cat.dog", "-rf", "<b>"])
def test_any_name_that_a_folder_can_have_is_a_class(name: str) -> None:
    assert classes_of({"classes": ["cat", name]}) == ("cat", name)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0}, {"size": 64.0}, {"size": True}, {"size": 10**6}, {"size": "64"}, {"short_side": 63},
        {"resize": "stretch"}, {"interpolation": "nearest"}, {"mean": [0.5, 0.5]}, {"mean": "abc"},
        {"mean": [0.5, 0.5, float("nan")]}, {"std": [0.25, 0.25, 0]}, {"std": None}, {"more": 1},
    ],
)  # fmt: skip
def test_a_preprocessing_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    assert preprocessing_of({"preprocessing": HOW}).mean == (0.5, 0.5, 0.5)
    with pytest.raises(WeightsError, match=r"model\.json"):
        preprocessing_of({"preprocessing": HOW | changes})


def test_a_preprocessing_that_is_missing_is_refused() -> None:
    with pytest.raises(WeightsError, match="does not say what its network expects"):
        preprocessing_of({})


@pytest.mark.parametrize(("written", "read"), [({}, None), ({"run": 7}, 7), ({"run": "7; DROP"}, None)])
def test_the_run_is_a_number_or_unknown(written: dict[str, Any], read: int | None) -> None:
    assert run_of(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "[]", "7", '{"sha256": []}',
        '{"sha256": {"../../etc/passwd": "0"}}', '{"sha256": {"/dev/zero": "0"}}',
        "[" * 100_000, "{", "\udc80", '{"sha256": {}, "format": []}', " " * 10_000_001 + '{"sha256": {}}',
    ],
    ids=range(10),
)  # fmt: skip
def test_rubbish_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    unreadable = r"cannot be read \([^\n]+\); take another copy, or train again"
    newer = r"has the format \[\], of a newer version of Whisker; update Whisker"
    with pytest.raises(
        WeightsError, match=rf"^the model in {re.escape(str(tmp_path))} ({unreadable}|{newer})\Z"
    ):
        read_manifest(tmp_path)


def test_a_model_of_a_newer_version_says_so(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"format": FORMAT + 1, "sha256": {}}))
    with pytest.raises(WeightsError, match="of a newer version of Whisker; update Whisker"):
        read_manifest(tmp_path)
