"""How far new images lie from the earlier ones."""

import hashlib

import numpy as np
import pytest

from pipeline import novelty as module
from pipeline.arrays import Array
from pipeline.features import Features
from pipeline.novelty import novelty
from pipeline.records import SnapshotImage


def features(pooled: Array) -> Features:
    images = tuple(
        SnapshotImage(hashlib.sha256(b"%d" % row).hexdigest(), "cat", "train", b"x")
        for row in range(len(pooled))
    )
    return Features(images, np.zeros(len(pooled), np.int64), pooled.astype(np.float32), np.empty(0))


def around(centre: int, count: int, seed: int) -> Array:
    return np.asarray(np.eye(16)[centre] + 0.05 * np.random.default_rng(seed).normal(size=(count, 16)))


def hashes(some: Features, *rows: int) -> frozenset[str]:
    return frozenset(some.images[row].sha256 for row in rows)


def test_images_of_another_kind_are_novel_and_those_of_the_same_kind_are_not() -> None:
    some = features(np.concatenate([around(0, 200, 0), around(0, 20, 1), around(5, 3, 2)]))
    found = novelty(some, hashes(some, *range(200, 223)))
    assert found is not None
    assert found.images == 23
    assert set(found.most_novel) >= hashes(some, 220, 221, 222)
    assert set(found.most_novel[:3]) == hashes(some, 220, 221, 222), "the farthest come first"
    assert 3 <= found.novel <= 6
    assert found.usual_distance < found.limit < 0.2
    assert found.distance == pytest.approx(found.usual_distance, rel=0.5)


def test_the_distances_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    some = features(np.random.default_rng(3).normal(size=(50, 8)))
    found = novelty(some, hashes(some, *range(30, 50)))
    unit = some.pooled / np.linalg.norm(some.pooled, axis=1, keepdims=True)
    distances = 1 - unit @ unit.T
    usual = [np.delete(distances[row, :30], row).min() for row in range(30)]
    new = distances[30:, :30].min(axis=1)
    assert found is not None
    assert found.limit == pytest.approx(np.quantile(usual, 0.99), abs=1e-6)
    assert found.usual_distance == pytest.approx(np.median(usual), abs=1e-6)
    assert found.distance == pytest.approx(np.median(new), abs=1e-6)
    assert found.novel == (new > found.limit).sum()


def test_nothing_new_and_nothing_earlier_have_no_novelty() -> None:
    some = features(around(0, 10, 0))
    assert novelty(some, frozenset()) is None
    assert novelty(some, frozenset({"0" * 64})) is None, "a new test image is no new training image"
    assert novelty(some, hashes(some, *range(10))) is None
    assert novelty(some, hashes(some, *range(9))) is None, "one earlier image has no other to compare with"


def test_only_so_many_earlier_images_are_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EARLIER", 20)
    some = features(np.concatenate([around(0, 60, 0), around(5, 1, 2)]))
    found = novelty(some, hashes(some, 60))
    assert found is not None
    assert found.most_novel == tuple(hashes(some, 60))


def test_features_of_nothing_but_zeros_are_far_from_all() -> None:
    some = features(np.concatenate([around(0, 20, 0), np.zeros((1, 16))]))
    found = novelty(some, hashes(some, 20))
    assert found is not None
    assert found.distance == 1.0
