"""Dealing training images to parts."""

from collections import Counter
from hashlib import sha256

import pytest

from pipeline.errors import TooFewImages
from pipeline.parts import deal, require_enough
from pipeline.records import SnapshotImage


def images(cats: int, dogs: int) -> list[SnapshotImage]:
    labels = ["cat"] * cats + ["dog"] * dogs
    return [
        SnapshotImage(sha256(f"{n}".encode()).hexdigest(), label, "train", b"x")
        for n, label in enumerate(labels)
    ]


def test_each_part_has_its_share_of_each_class() -> None:
    some = images(40, 19)
    part = deal(some, [], 8)
    counts = Counter((image.label, own) for image, own in zip(some, part, strict=True))
    assert {counts["cat", own] for own in range(8)} == {5}
    assert {counts["dog", own] for own in range(8)} == {2, 3}


def test_what_shows_the_same_picture_is_in_the_same_part_and_the_others_make_up_for_it() -> None:
    some = images(40, 0)
    groups = [[0, 7, 30], [1, 2], [10, 11, 12, 13, 14]]
    part = deal(some, groups, 8)
    assert all(len(set(part[group])) == 1 for group in groups)
    assert set(Counter(part.tolist()).values()) == {5}


def test_only_the_contents_decide() -> None:
    some = images(20, 20)
    part = deal(some, [[0, 1, 2]], 5)
    turned = deal(some[::-1], [[39, 38, 37]], 5)
    assert (turned[::-1] == part).all()
    assert len(set(part.tolist())) == 5


def test_a_class_with_too_few_images_is_named() -> None:
    require_enough(images(8, 9), ("cat", "dog"), 8)
    with pytest.raises(
        TooFewImages, match=r"class 'dog' has 7 images to train on.* until there are at least 8"
    ):
        require_enough(images(8, 7), ("cat", "dog"), 8)
