"""The hash of a picture, its eight symmetries, and what it survives."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from pipeline.decode import read_image
from pipeline.perceptual_hash import BITS, INVERSES, TRANSFORMS, as_words, perceptual_hash, variants

STEPS = {
    "none": None,
    "mirrored": Image.Transpose.FLIP_LEFT_RIGHT,
    "upside down": Image.Transpose.FLIP_TOP_BOTTOM,
    "half turn": Image.Transpose.ROTATE_180,
    "transposed": Image.Transpose.TRANSPOSE,
    "quarter turn left": Image.Transpose.ROTATE_90,
    "quarter turn right": Image.Transpose.ROTATE_270,
    "transversed": Image.Transpose.TRANSVERSE,
}


def transformed(image: Image.Image, transform: str) -> Image.Image:
    step = STEPS[transform]
    return image if step is None else image.transpose(step)


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def distance(left: bytes, right: bytes) -> int:
    return (int.from_bytes(left, "little") ^ int.from_bytes(right, "little")).bit_count()


def encoded(image: Image.Image, quality: int) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return read_image(buffer.getvalue())


def resized(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(image: Image.Image, share: float) -> Image.Image:
    across, down = image.width * share / 2, image.height * share / 2
    return image.crop((round(across), round(down), round(image.width - across), round(image.height - down)))


@pytest.fixture(scope="module")
def photos(catdog: Path) -> list[Image.Image]:
    return [read_image(path.read_bytes()) for path in sorted((catdog / "train").glob("*/*.jpg"))[::100]]


def test_a_hash_has_sixteen_bytes_and_becomes_two_words() -> None:
    hashes = [perceptual_hash(noise(seed)) for seed in range(3)]
    assert {8 * len(value) for value in hashes} == {BITS}
    words = as_words(hashes)
    assert words.shape == (3, 2)
    assert words.dtype == np.uint64
    assert [int(low) | int(high) << 64 for low, high in words] == [
        int.from_bytes(h, "little") for h in hashes
    ]


def test_no_hashes_make_no_words() -> None:
    assert as_words([]).shape == (0, 2)
    assert variants(as_words([])).shape == (8, 0, 2)


@given(st.integers(0, 2**32))
def test_the_hash_of_a_transformed_picture_follows_from_the_hash_of_the_picture(seed: int) -> None:
    image = noise(seed)
    for words, transform in zip(variants(as_words([perceptual_hash(image)])), TRANSFORMS, strict=True):
        assert distance(words.tobytes(), perceptual_hash(transformed(image, transform))) <= 1  # rounding


def test_it_follows_for_photos_of_any_shape_up_to_a_few_bits(photos: list[Image.Image]) -> None:
    for image in photos:
        for words, transform in zip(variants(as_words([perceptual_hash(image)])), TRANSFORMS, strict=True):
            assert distance(words.tobytes(), perceptual_hash(transformed(image, transform))) <= 5


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=2))
def test_each_transform_has_its_inverse(bits: list[int]) -> None:
    words = np.array([bits], np.uint64)
    for there, back in enumerate(INVERSES):
        assert (variants(variants(words)[there])[back] == words).all()


@pytest.mark.parametrize("first", TRANSFORMS)
@pytest.mark.parametrize("second", TRANSFORMS)
def test_two_transforms_make_the_same_one_for_hashes_as_for_pictures(first: str, second: str) -> None:
    picture = noise(7).resize((3, 3))
    target = np.asarray(transformed(transformed(picture, first), second))
    (both,) = (name for name in TRANSFORMS if (np.asarray(transformed(picture, name)) == target).all())
    words = np.random.default_rng(1).integers(0, 2**64, (5, 2), dtype=np.uint64)
    twice = variants(variants(words)[TRANSFORMS.index(first)])[TRANSFORMS.index(second)]
    assert (twice == variants(words)[TRANSFORMS.index(both)]).all()


def test_a_picture_without_detail_has_a_hash_of_zeros_whatever_its_colour() -> None:
    flat = [Image.new("RGB", (90, 60), colour) for colour in ("white", "black", "teal")]
    assert {perceptual_hash(image) for image in flat} == {bytes(BITS // 8)}


COPIES: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "re-encoded at quality 60": (lambda image: encoded(image, 60), 11),
    "re-encoded at quality 30": (lambda image: encoded(image, 30), 11),
    "half as large": (lambda image: encoded(resized(image, 0.5), 85), 11),
    "half as large again": (lambda image: encoded(resized(image, 1.5), 85), 11),
    "brighter": (lambda image: ImageEnhance.Brightness(image).enhance(1.2), 20),
    "less contrast": (lambda image: ImageEnhance.Contrast(image).enhance(0.8), 11),
    "grey": (lambda image: image.convert("L").convert("RGB"), 11),
    "cropped by 2 percent": (lambda image: cropped(image, 0.02), 20),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_differs_in_few_bits(photos: list[Image.Image], kind: str) -> None:
    copy, limit = COPIES[kind]
    distances = [distance(perceptual_hash(photo), perceptual_hash(copy(photo))) for photo in photos]
    assert max(distances) <= limit


def test_different_photos_differ_in_many_bits_under_every_transform(photos: list[Image.Image]) -> None:
    every: npt.NDArray[np.uint64] = variants(as_words([perceptual_hash(photo) for photo in photos]))
    for place in range(len(photos)):
        for other in range(place):
            found = [distance(words[place].tobytes(), every[0, other].tobytes()) for words in every]
            assert min(found) > 24
