"""Random parts of images."""

from math import isclose

import numpy as np
import pytest

from pipeline.crops import Crop
from pipeline.records import Preprocessing
from tests.pipeline.pictures import picture

PREPROCESSING = Preprocessing(32, "crop", 40, "bicubic", (0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize("size", [(300, 200), (17, 340), (64, 64)])
def test_every_part_lies_within_the_image_and_is_as_large_as_it_says_unless_it_would_not_fit(
    size: tuple[int, int],
) -> None:
    for numbers in np.random.default_rng(0).random((200, 4)):
        crop = Crop.drawn(0.5, numbers)
        left, top, right, bottom = crop.box(*size)
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        assert 0.5 <= crop.share <= 1
        area = (right - left) * (bottom - top) / (size[0] * size[1])
        fits = right - left < size[0] and bottom - top < size[1]
        assert isclose(area, crop.share) if fits else area <= crop.share + 1e-9


@pytest.mark.parametrize(
    ("crop", "box"),
    [
        (Crop(1.0, 0.5, 0.3, 0.7), (0, 0, 80, 80)),
        (Crop(0.25, 0.5, 0.0, 0.0), (0, 0, 40, 40)),
        (Crop(0.25, 0.5, 1.0, 0.5), (40, 20, 80, 60)),
        (Crop(0.75, 1.0, 0.0, 1.0), (0, 20, 80, 80)),
        (Crop(0.75, 0.0, 1.0, 0.0), (20, 0, 80, 80)),
    ],
)
def test_a_part_is_where_its_numbers_say(crop: Crop, box: tuple[float, ...]) -> None:
    assert crop.box(80, 80) == pytest.approx(box)


def test_its_pixels_are_those_of_the_part_scaled_to_the_size_of_the_input() -> None:
    image = picture(7, (80, 80))
    pixels = Crop(0.25, 0.5, 1.0, 0.0).pixels(image, PREPROCESSING)
    part = image.crop((40, 0, 80, 40)).resize((32, 32), 3)  # 3: bicubic
    assert pixels.shape == (32, 32, 3)
    # At the edges of the part, `crop` hides the pixels beyond it, which the scaling of a box takes in.
    assert pixels[3:-3, 3:-3] == pytest.approx(np.asarray(part)[3:-3, 3:-3].astype(float), abs=2)
