"""Near duplicates among many hashes: all that brute force finds, and who belongs together."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.decode import read_image
from pipeline.near_duplicates import CERTAIN_DISTANCE, MAX_DISTANCE, Pair, find_pairs, groups
from pipeline.perceptual_hash import TRANSFORMS, Words, as_words, perceptual_hash, variants

Keys = set[tuple[int, int, int]]


def random_words(count: int, seed: int = 0) -> Words:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 2), dtype=np.uint64)


def bits_between(left: Words, right: Words) -> int:
    return sum(int(a ^ b).bit_count() for a, b in zip(left, right, strict=True))


def with_flipped(words: Words, bits: frozenset[int]) -> Words:
    flipped = words.copy()
    for bit in bits:
        flipped[bit // 64] ^= np.uint64(1 << bit % 64)
    return flipped


def brute_force(words: Words, max_distance: int) -> Keys:
    every = variants(words)
    distances = {
        (left, right): min(bits_between(every[t, left], words[right]) for t in range(8))
        for right in range(len(words))
        for left in range(right)
    }
    return {(*pair, distance) for pair, distance in distances.items() if distance <= max_distance}


def keys(pairs: list[Pair]) -> Keys:
    return {(pair.left, pair.right, pair.distance) for pair in pairs}


# Few originals and copies of them under any transform, with up to 14 changed bits anywhere.
copies = st.tuples(
    st.integers(0, 3), st.integers(0, 7), st.frozensets(st.integers(0, 127), min_size=1, max_size=14)
)


@st.composite
def alike(draw: st.DrawFn) -> Words:
    """Return distinct hashes of which many are near to each other."""
    originals = variants(random_words(4))
    chosen = draw(st.lists(copies, min_size=2, max_size=12))
    made = {with_flipped(originals[t, place], bits).tobytes() for place, t, bits in chosen}
    return as_words(draw(st.permutations(sorted(made))))


@settings(max_examples=25, deadline=None)
@given(alike(), st.sampled_from([0, 3, 5, 6, CERTAIN_DISTANCE]))
def test_all_pairs_that_brute_force_finds_are_found_and_no_others(words: Words, max_distance: int) -> None:
    assert keys(find_pairs(words, max_distance)) == brute_force(words, max_distance)


@settings(max_examples=15, deadline=None)
@given(alike())
def test_beyond_the_certain_distance_only_true_pairs_are_found(words: Words) -> None:
    found = keys(find_pairs(words))
    assert brute_force(words, CERTAIN_DISTANCE) <= found <= brute_force(words, MAX_DISTANCE)


@settings(max_examples=15, deadline=None)
@given(alike())
def test_the_transform_makes_the_left_image_look_like_the_right_one(words: Words) -> None:
    for pair in find_pairs(words):
        turned = variants(words)[TRANSFORMS.index(pair.transform), pair.left]
        assert bits_between(turned, words[pair.right]) == pair.distance


@settings(max_examples=15, deadline=None)
@given(alike())
def test_the_order_of_the_images_does_not_matter(words: Words) -> None:
    last = len(words) - 1
    turned_round = {
        (last - right, last - left, distance) for left, right, distance in keys(find_pairs(words))
    }
    assert keys(find_pairs(words[::-1])) == turned_round


@settings(max_examples=15, deadline=None)
@given(alike(), st.integers(0, 12))
def test_only_pairs_with_a_new_image_are_looked_for_if_asked(words: Words, first_new: int) -> None:
    with_new = [pair for pair in find_pairs(words) if pair.right >= first_new]
    assert find_pairs(words, first_new=first_new) == with_new


def test_equal_hashes_are_paired_with_the_first_of_them_only() -> None:
    words = random_words(3)[[0, 1, 0, 2, 0]]
    words = np.concatenate([words, [with_flipped(words[0], frozenset({5, 99}))]])
    equal = [Pair(0, 2, 0, "none"), Pair(0, 4, 0, "none")]
    assert find_pairs(words) == [*equal, Pair(0, 5, 2, "none")]
    assert groups(find_pairs(words), len(words)) == [[0, 2, 4, 5]]
    assert find_pairs(words, first_new=3) == [equal[1], Pair(0, 5, 2, "none")]


def test_a_hundred_thousand_equal_hashes_are_one_group_in_no_time() -> None:
    words = np.repeat(random_words(1), 100_000, axis=0)
    assert groups(find_pairs(words), len(words)) == [list(range(100_000))]


def test_thousands_of_pictures_that_are_nearly_alike_are_one_group_without_all_their_pairs() -> None:
    noise = np.random.default_rng(2).random((4_000, 128)) < 0.05
    alike = random_words(1) ^ as_words([np.packbits(noise, bitorder="little").tobytes()])
    words = np.concatenate([random_words(500, seed=3), alike])
    pairs = find_pairs(words)
    assert len(pairs) <= 16 * len(alike)
    assert groups(pairs, len(words)) == [list(range(500, 4_500))]


def test_a_crowd_that_shares_a_band_does_not_take_time_for_each_pair_of_it() -> None:
    crowd = random_words(30_000)
    crowd[:, 0] &= np.uint64(2**64 - 2**22)
    crowd[-1] = with_flipped(crowd[20_000], frozenset({0, 30, 50, 70, 90, 110}))
    # Each with each would be 450 million comparisons for each transform: this would not end in time.
    found = find_pairs(crowd)
    assert found == [Pair(20_000, 29_999, 6, "none")]  # it is found by another band


def test_none_and_one_hash_make_no_pairs() -> None:
    assert find_pairs(as_words([])) == []
    assert find_pairs(random_words(1)) == []


def pair(left: int, right: int) -> Pair:
    return Pair(left, right, 0, "none")


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([], [], id="nobody has a near duplicate"),
        pytest.param([pair(1, 3)], [[1, 3]], id="one pair"),
        pytest.param(
            [pair(4, 5), pair(0, 2)], [[0, 2], [4, 5]], id="two pairs in order of their first image"
        ),
        pytest.param([pair(3, 4), pair(0, 1), pair(1, 4)], [[0, 1, 3, 4]], id="a chain is one group"),
        pytest.param([pair(0, 1), pair(1, 2), pair(0, 2)], [[0, 1, 2]], id="a ring is one group"),
    ],
)
def test_pairs_join_images_into_groups(pairs: list[Pair], expected: list[list[int]]) -> None:
    assert groups(pairs, 6) == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_groups_are_those_that_merging_of_sets_gives(joined: list[tuple[int, int]]) -> None:
    sets = [{image} for image in range(10)]
    for left, right in joined:
        merged = {image for one in sets if left in one or right in one for image in one}
        sets = [one for one in sets if not one & merged] + [merged]
    expected = sorted(sorted(one) for one in sets if len(one) > 1)
    assert groups([pair(min(two), max(two)) for two in joined], 10) == expected


def leaked_copy(image: Image.Image, place: int) -> Image.Image:
    """Return a mirrored or turned copy (or neither), half or one and a half times as large, re-encoded."""
    steps = [None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270]
    step = steps[place % 4]
    turned = image if step is None else image.transpose(step)
    factor = (0.5, 1, 1.5)[place % 3]
    resized = turned.resize((round(turned.width * factor), round(turned.height * factor)))
    buffer = BytesIO()
    resized.save(buffer, "JPEG", quality=(30, 60, 85)[place // 2 % 3])
    return read_image(buffer.getvalue())


def test_twenty_copies_planted_among_real_photos_are_found_and_nothing_else(catdog: Path) -> None:
    paths = sorted((catdog / "train").glob("*/*.jpg"))[::13]
    photos = [read_image(path.read_bytes()) for path in paths]
    planted = [leaked_copy(photos[7 * place], place) for place in range(20)]
    words = as_words([perceptual_hash(image) for image in photos + planted])
    expected = [(7 * place, len(photos) + place) for place in range(20)]
    assert [(pair.left, pair.right) for pair in find_pairs(words)] == expected


def test_the_search_says_how_far_it_is_and_what_hears_that_may_end_it() -> None:
    words, told = random_words(40_000), []
    find_pairs(words, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert len(set(told)) > 6
    assert {total for _, total in told} == {40_000}

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_pairs(words, progress=stop)
