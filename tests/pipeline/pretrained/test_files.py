"""Which kind of file some bytes are; files of safetensors by its own library. Others have their own tests."""

import json
import random
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from pipeline.errors import WeightsError
from pipeline.pretrained.files import read_arrays

ARRAYS: dict[str, Any] = {
    "a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a.bias": np.ones(3, np.float16),
}


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, *({"x": "y" * n} for n in range(0, 260, 8))])
def test_safetensors_are_read_whatever_byte_they_begin_with(metadata: dict[str, str] | None) -> None:
    kind, arrays = read_arrays(save(ARRAYS, metadata), "x.safetensors")
    assert kind == "safetensors"
    assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())


def with_header(header: Any, data: bytes = bytes(60), length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def described(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "content",
    [
        with_header({"a": described(0, 40, [10]), "b": described(20, 60, [10])}),  # they overlap
        with_header({"a": described(0, 4 * 10**12, [10**12])}),
        with_header({"a": described(2**63, 2**63 + 40, [10])}),
        with_header({"a": described(0, 40, [2**40, 2**40])}),
        with_header({"a": described(0, 40, [10])}),  # 20 bytes belong to nothing
        with_header({"a": described(0, 60, [14])}),
        with_header({"a": described(40, 0, [10])}),
        with_header({"a": described(0, 60, [-15])}),
        with_header({"a": described(0, 60, [15], "NONSENSE")}),
        with_header(b'{"a": ' + b"[" * 100_000),
        with_header(b"{not json"),
        save(ARRAYS)[:-1],
    ],
)
def test_hostile_and_damaged_safetensors_are_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(WeightsError) as caught:
        read_arrays(content, "x.safetensors")
    assert str(caught.value).startswith("x.safetensors ") and "\n" not in str(caught.value)


def test_a_header_that_claims_more_than_the_file_has_is_refused() -> None:
    with pytest.raises(WeightsError, match="is not a weights file"):
        read_arrays(with_header(b"{}", length=2**62), "x.safetensors")


@pytest.mark.parametrize("content", [b"", b"text", bytes(100), b"\x89PNG\r\n\x1a\n", b"\x08", b"\x80", b"PK"])
def test_a_file_of_no_known_kind_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(WeightsError, match=r"^own\.file ") as caught:
        read_arrays(content, "own.file")
    assert "\n" not in str(caught.value)


def test_random_bytes_behind_each_kinds_first_bytes_are_refused() -> None:
    draw = random.Random(2)
    for magic in (bytes.fromhex("1201000000000000"), b"\x80\x02", b"PK\x03\x04", b"\x08\x07"):
        for _ in range(50):
            with pytest.raises(WeightsError, match=r"own\.file"):
                read_arrays(magic + draw.randbytes(200), "own.file")
