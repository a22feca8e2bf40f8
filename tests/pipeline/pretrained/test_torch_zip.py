"""Archives that PyTorch could not have written; what it has written is read in test_torch_pickle."""

import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import WeightsError
from pipeline.pretrained.torch_pickle import read_state_dict
from tests.pipeline.pretrained.test_torch_pickle import (
    SIX,
    TORCH_FILES,
    Call,
    StorageReference,
    pickled,
    tensor,
)


@pytest.fixture(scope="module")
def real_file() -> bytes:
    return (TORCH_FILES / "zip.pth").read_bytes()


def packed(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def of_state(state: object, **members: bytes) -> dict[str, bytes]:
    return {"x/data.pkl": pickled(state), **{f"x/{name}": content for name, content in members.items()}}


GOOD = of_state({"a": tensor(6, 0, (2, 3), (3, 1))}, **{"data/0": SIX.tobytes()})


def test_a_plain_archive_is_read() -> None:
    state = read_state_dict(packed(GOOD), "good.pth")
    assert np.array_equal(state["a"], SIX.reshape(2, 3))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "damaged or cut short"),
        ({"readme.txt": b"text"}, "not one that PyTorch wrote"),
        ({**GOOD, "y/data.pkl": b""}, "not one that PyTorch wrote"),
        ({**GOOD, "x/byteorder": b"big"}, "little-endian"),
        (of_state({"a": tensor(6, 0, (6,), (1,))}), "storage '0' is missing"),
        ({**GOOD, "x/data/0": SIX.tobytes()[:-4]}, "holds 5 elements instead of 6"),
        ({**GOOD, "x/data/0": SIX.tobytes()[:-1]}, "damaged or cut short"),
        (of_state({"a": tensor(6, 2, (6,), (1,))}, **{"data/0": SIX.tobytes()}), "beyond its storage"),
        (of_state({"a": StorageReference("0", 6)}, **{"data/0": SIX.tobytes()}), "not a named tensor"),
        (of_state([1, 2]), "state dict"),
    ],
)
def test_an_archive_that_does_not_hold_what_it_should_is_refused(
    members: dict[str, bytes], reason: str
) -> None:
    content = packed(members) if members else b"PK\x03\x04"
    with pytest.raises(WeightsError, match=reason) as caught:
        read_state_dict(content, "x.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", ["os system", "builtins eval", "torch.hub load"])
def test_a_pickle_in_an_archive_that_calls_a_function_is_refused_and_not_executed(
    function: str, tmp_path: Path
) -> None:
    content = packed(of_state({"a": Call(function, f"touch {tmp_path / 'witness'}")}))
    with pytest.raises(WeightsError, match=f"evil.pth .* asks to run {function.replace(' ', '.')}"):
        read_state_dict(content, "evil.pth")
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_would_grow_is_refused_unread() -> None:
    bomb = packed({**GOOD, "x/data/0": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(WeightsError, match="compressed, which PyTorch never does"):
        read_state_dict(bomb, "bomb.pth")


def test_an_archive_whose_parts_overlap_is_refused() -> None:
    content = bytearray(packed({**GOOD, **{f"x/data/{n}": bytes(1000) for n in range(1, 50)}}))
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:  # each entry of the directory
        content[at + 20 : at + 28] = (len(content) // 2).to_bytes(4, "little") * 2  # both of its sizes
        at += 4
    with pytest.raises(WeightsError, match="parts are larger than the file"):
        read_state_dict(bytes(content), "overlapping.pth")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_truncated_archive_is_refused(real_file: bytes, share: float) -> None:
    with pytest.raises(WeightsError, match="damaged or cut short"):
        read_state_dict(real_file[: int(len(real_file) * share)], "zip.pth")


def test_a_changed_byte_is_noticed_or_changes_nothing(real_file: bytes) -> None:
    draw = random.Random(1)
    original = read_state_dict(real_file, "zip.pth")
    for _ in range(200):
        content = bytearray(real_file)
        content[draw.randrange(4, len(content))] ^= 1 << draw.randrange(8)
        try:
            state = read_state_dict(bytes(content), "zip.pth")
        except WeightsError as error:
            assert str(error).startswith("zip.pth cannot be read")
        else:
            assert all(np.array_equal(state[name], original[name]) for name in original)
