"""How far two models are apart."""

import numpy as np
import pytest
from PIL import Image

from pipeline.arrays import Array
from pipeline.decode import to_pixels
from pipeline.evaluate import log_softmax
from pipeline.parity import BATCH, MOST_APART, Exported, Parity, measure
from pipeline.records import Preprocessing
from tests.pipeline.pictures import picture

HOW = Preprocessing(16, "squash", 16, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
PICTURES = [picture(seed, (40, 30 + seed % 3)) for seed in range(BATCH + 3)]


def brightness(images: Array) -> Array:
    """Answer with the mean of each image against its opposite."""
    mean = images.mean(axis=(1, 2, 3))
    return np.stack([mean, 1 - mean], axis=1)


def answers(logits: Array, temperature: float = 2.0) -> tuple[Array, Array]:
    return np.exp(log_softmax(logits / temperature)), logits


def test_the_same_model_is_not_apart_and_all_images_are_counted() -> None:
    measured = measure(iter(PICTURES), brightness, Exported(lambda x: answers(brightness(x))), HOW, 2.0)
    assert measured is not None
    assert measured.network == Parity(len(PICTURES), 0.0, 0.0, measured.network.largest_logit, len(PICTURES))
    assert (measured.whole, measured.pixels) == (None, None)


@pytest.mark.parametrize(
    ("apart", "close"), [(MOST_APART / 2, True), (MOST_APART * 3, False), (np.nan, False)]
)
def test_the_largest_difference_decides_wherever_it_is(apart: float, close: bool) -> None:
    def other(images: Array) -> tuple[Array, Array]:
        logits = brightness(images).astype(np.float64)
        logits[-1, 0] += apart  # in the last image of each batch alone
        return answers(logits)

    measured = measure(iter(PICTURES), brightness, Exported(other), HOW, 2.0)
    assert measured is not None
    assert measured.network.is_close == close


def test_logits_that_are_apart_count_where_the_probabilities_hide_it() -> None:
    def sure(images: Array) -> Array:
        return np.tile([50.0, -50.0], (len(images), 1))

    measured = measure(iter(PICTURES), sure, Exported(lambda x: answers(sure(x) * 1.1)), HOW, 1.0)
    assert measured is not None
    assert measured.network.probability_difference < MOST_APART
    assert not measured.network.is_close


def test_other_answers_are_counted() -> None:
    def swapped(images: Array) -> tuple[Array, ...]:
        return answers(brightness(images)[:, ::-1])

    measured = measure(iter(PICTURES), brightness, Exported(swapped), HOW, 2.0)
    assert measured is not None
    assert measured.network.same_class == 0


def test_resized_pixels_are_compared_with_pillows() -> None:
    def two_more(images: Array) -> Array:
        pixels = to_pixels(Image.fromarray(images[0]), HOW).astype(np.int64)
        pixels[0, 0] = (pixels[0, 0] + 2) % 256
        return pixels.transpose(2, 0, 1)[np.newaxis].astype(np.uint8)

    exported = Exported(lambda x: answers(brightness(x)), resizing=two_more)
    measured = measure(iter(PICTURES[:4]), brightness, exported, HOW, 2.0)
    assert measured is not None
    assert measured.pixels is not None
    assert measured.pixels.images == 4
    assert measured.pixels.differing == pytest.approx(1 / 16**2)


def test_without_any_image_nothing_is_known() -> None:
    assert measure(iter(()), brightness, Exported(lambda x: answers(brightness(x))), HOW, 1.0) is None
