import io

import numpy as np
import pytest
from PIL import Image

from pipeline.pictures import data_uri, filters_png


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
