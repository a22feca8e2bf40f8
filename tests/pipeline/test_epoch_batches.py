"""Which images make up the batches of an epoch."""

import hashlib

import numpy as np
import pytest

from pipeline.epoch_batches import epoch_batches, in_order_of_hashes
from pipeline.records import SnapshotImage


def batches(images: int, size: int, epoch: int = 1) -> list[list[int]]:
    return epoch_batches(range(images), size, np.random.default_rng(epoch))


@pytest.mark.parametrize(
    ("images", "size"), [(24, 7), (24, 24), (24, 32), (1, 8), (1_000, 64), (5, 1), (0, 8)]
)
def test_every_image_is_in_one_batch_and_only_the_last_is_short(images: int, size: int) -> None:
    found = batches(images, size)
    assert sorted(position for batch in found for position in batch) == list(range(images))
    assert [len(batch) for batch in found[:-1]] == [size] * (len(found) - 1)
    assert len(found) == -(-images // size)


def test_another_epoch_has_other_batches() -> None:
    assert batches(1_000, 64) == batches(1_000, 64)
    first, second = ({frozenset(batch) for batch in batches(1_000, 64, epoch)} for epoch in (1, 2))
    assert not first & second


def test_a_batch_has_one_image_of_each_stretch_of_hashes() -> None:
    for batch in batches(640, 64):
        assert [position // 10 for position in batch] == list(range(64))


def test_a_short_batch_is_spread_over_the_hashes() -> None:
    *_, last = batches(672, 64)
    assert [position // 21 for position in last] == list(range(32))


def test_each_image_comes_at_each_turn_as_often_as_any_other() -> None:
    """Over 4,000 epochs of 10 turns, within five standard errors."""
    turns = np.zeros((40, 10))
    random = np.random.default_rng(0)
    for _ in range(4_000):
        for turn, batch in enumerate(epoch_batches(range(40), 4, random)):
            turns[batch, turn] += 1
    assert np.abs(turns - 400).max() < 5 * np.sqrt(400 * 0.9)


def test_images_are_ordered_by_content_and_not_by_place() -> None:
    images = [
        SnapshotImage(hashlib.sha256(b"%d" % n).hexdigest(), "cat", "train", b"%d" % n) for n in range(9)
    ]
    assert [images[p].sha256 for p in in_order_of_hashes(images)] == sorted(image.sha256 for image in images)
