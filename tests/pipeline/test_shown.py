import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.shown import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat.jpg", "cat.jpg"),
        ("two\nlines\tand\x1b[31mred", r"two\nlines\tand\x1b[31mred"),
        ("photo\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe", r"photo\u202egpj.exe"),
        ("line\N{LINE SEPARATOR}break", r"line\u2028break"),
        (b"caf\xe9.jpg", r"caf\xe9.jpg"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
        ("né.jpg".encode(), "né.jpg"),
        (b"", ""),
    ],
)
def test_what_is_invisible_is_shown_as_an_escape(text: bytes | str, expected: str) -> None:
    assert shown(text) == expected


@given(st.binary())
def test_every_file_name_becomes_one_line_that_can_be_written_as_utf8(name: bytes) -> None:
    text = shown(name)

    assert len(text.splitlines()) <= 1
    assert text.encode("utf-8").decode() == text
