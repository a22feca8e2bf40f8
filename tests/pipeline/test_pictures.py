import io
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from pipeline.backbones import ZOO_PREPROCESSING
from pipeline.pictures import (
    MAP_COLOUR,
    MAP_OPACITY,
    Thumbnail,
    data_uri,
    filters_png,
    map_png,
    placed_map,
    thumbnail_of,
)


def test_a_data_uri_holds_the_content() -> None:
    assert data_uri(b"abc", "image/png") == "data:image/png;base64,YWJj"


def test_filters_are_tiles_of_one_pixel_a_weight_with_a_transparent_pixel_between() -> None:
    filters = np.zeros((3, 2, 2, 3))
    filters[0, ..., 0] = 1.0
    content = filters_png(filters.tolist())
    assert content is not None

    sheet = np.asarray(Image.open(io.BytesIO(content)))

    assert sheet.shape == (5, 5, 4)
    assert sheet[0, 0].tolist() == [255, 0, 0, 255]
    assert sheet[0, 2].tolist() == [0, 0, 0, 0]
    assert sheet[0, 3].tolist() == [0, 0, 0, 255]
    assert sheet[4, 4].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("filters", [(), [[[0.0]]], np.zeros((2, 3, 3, 1)).tolist()])
def test_what_is_no_colour_filter_gives_no_picture(filters: list[object]) -> None:
    assert filters_png(filters) is None


def test_weights_that_are_not_numbers_do_not_break_the_picture() -> None:
    assert filters_png(np.full((1, 2, 2, 3), np.nan).tolist())


def jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (9, 99, 9)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_thumbnail_knows_its_size() -> None:
    found = thumbnail_of({"a": jpeg(160, 90)}, "a")

    assert found is not None
    assert (found.width, found.height) == (160, 90)
    assert found.uri.startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize("thumbnails", [{}, {"a": b""}, {"a": b"no picture"}])
def test_what_is_no_picture_is_no_thumbnail(thumbnails: dict[str, bytes]) -> None:
    assert thumbnail_of(thumbnails, "a") is None


def test_a_map_is_the_more_opaque_the_more_evidence_there_is() -> None:
    content = map_png(bytes([0, 0, 255, 255] * 4), 4)
    assert content is not None

    opacity = np.asarray(Image.open(io.BytesIO(content)))[..., 3]

    assert opacity.shape == (32, 32)
    assert opacity[:, 0].max() == 0
    assert opacity[:, -1].min() == round(255 * MAP_OPACITY)
    assert np.asarray(Image.open(io.BytesIO(content)))[0, 0, :3].tolist() == list(MAP_COLOUR)


@pytest.mark.parametrize(("values", "width"), [(b"", 7), (b"abc", 2), (b"abc", 0)])
def test_values_that_fill_no_rows_are_no_map(values: bytes, width: int) -> None:
    assert map_png(values, width) is None


@pytest.mark.parametrize(
    ("resize", "size", "expected"),
    [
        ("squash", (160, 80), (0, 0, 160, 80)),
        ("crop", (160, 80), (45, 5, 70, 70)),
        ("crop", (80, 160), (5, 45, 70, 70)),
        ("crop", (80, 80), (5, 5, 70, 70)),
    ],
)
def test_a_map_lies_over_what_the_network_saw(
    resize: Literal["squash", "crop"], size: tuple[int, int], expected: tuple[float, ...]
) -> None:
    preprocessing = replace(ZOO_PREPROCESSING, size=224, short_side=256, resize=resize)
    placed = placed_map(b"", Thumbnail("data:,", *size), preprocessing)

    assert (placed.x, placed.y, placed.width, placed.height) == expected
