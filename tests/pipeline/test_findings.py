"""What a training on frozen features finds out about itself."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pipeline import findings
from pipeline.arrays import Array
from pipeline.errors import Interrupted
from pipeline.evaluate import loss_and_accuracy
from pipeline.features import Features
from pipeline.findings import Fitting, calibrate, data_curve, find_out, limits, repeats
from pipeline.head import LinearHead
from pipeline.records import DataPoint, SnapshotImage
from pipeline.samples import drawn_rows
from tests.pipeline.training import AROUND

CLASSES = ("cat", "dog")
FITTING = Fitting(CLASSES, 0.1, 100)
NOTHING: frozenset[str] = frozenset()


def features(per_class: tuple[int, int], seed: int = 0, distance: float = 1.0) -> Features:
    """Return two clouds that overlap."""
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], per_class)
    pooled = random.normal(size=(len(labels), 20)) + distance * labels[:, None] * np.eye(20)[0]
    hashes = [hashlib.sha256(b"%d %d" % (seed, row)).hexdigest() for row in range(len(labels))]
    images = tuple(
        SnapshotImage(sha256, CLASSES[label], "train", b"x")
        for sha256, label in zip(hashes, labels, strict=True)
    )
    return Features(images, labels, pooled.astype(np.float32), np.empty(0, np.float32))


TRAIN, TEST = features((80, 40)), features((50, 30), seed=1)


def head() -> LinearHead:
    return FITTING.fit(TRAIN, np.arange(120))


def curve(train: Features = TRAIN) -> list[DataPoint]:
    return list(data_curve(train, TEST, FITTING.fit(train, np.arange(len(train.labels))), FITTING, AROUND))


def test_the_data_curve_takes_the_same_share_of_each_class_and_ends_in_the_head_of_the_run() -> None:
    points = curve()
    assert [(point.share, point.train_images) for point in points] == [
        (0.125, 15), (0.25, 30), (0.5, 60), (1.0, 120),
    ]  # fmt: skip
    assert all(point.tested == {"cat": 50, "dog": 30} for point in points)
    accuracy = loss_and_accuracy(head().logits(TEST.pooled), TEST.labels)[1]
    assert sum(points[-1].right.values()) == round(accuracy * 80)


def test_the_parts_are_nested_and_drawn_by_content_whatever_the_order() -> None:
    order = np.random.default_rng(0).permutation(120)
    mixed = Features(
        tuple(TRAIN.images[row] for row in order), TRAIN.labels[order], TRAIN.pooled[order], TRAIN.boundary
    )
    own = [drawn_rows(some.labels, findings._keys(some), 10**6) for some in (TRAIN, mixed)]
    chosen = [
        [{some.images[row].sha256 for row in findings._part(members, share)} for share in (0.125, 0.25, 0.5)]
        for some, members in zip((TRAIN, mixed), own, strict=True)
    ]
    assert chosen[0] == chosen[1]
    assert chosen[0][0] < chosen[0][1] < chosen[0][2]
    assert [point.right for point in curve()] == [point.right for point in curve(mixed)]


def test_parts_of_very_few_images_hold_every_class_and_none_twice() -> None:
    points = curve(features((3, 1)))
    assert [point.train_images for point in points] == [2, 3, 4]
    assert [point.train_images for point in curve(features((1, 1)))] == [2]


def test_the_repeats_are_equal_for_a_seed_and_differ_between_seeds() -> None:
    first, second = (list(repeats(TRAIN, TEST, FITTING, AROUND)) for _ in range(2))
    other = list(repeats(TRAIN, TEST, FITTING, replace(AROUND, seed=1)))
    assert first == second != other
    assert len(set(first)) > 1, "resampled images give other heads"
    assert all(0.4 < accuracy <= 1 for accuracy in first)


def test_a_class_of_one_image_is_in_every_repeat() -> None:
    assert len(list(repeats(features((30, 1)), TEST, FITTING, AROUND))) == findings.REPEATS


def test_of_very_many_images_a_part_is_used_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(limits(TRAIN)) == []
    monkeypatch.setattr(findings, "MOST_IMAGES", 60)
    (note,) = limits(TRAIN)
    assert "at most 60 of the 120 training images" in note.text
    assert [point.train_images for point in curve()] == [7, 15, 30, 60, 120]


def test_a_signal_ends_it_between_two_heads() -> None:
    def stop() -> None:
        raise Interrupted(15)

    around = replace(AROUND, check_stop=stop)
    with pytest.raises(Interrupted):
        find_out(TRAIN, TEST, head(), FITTING, around, calibration=None, fresh=NOTHING)


def test_nothing_is_novel_in_a_first_cycle() -> None:
    found = find_out(TRAIN, TEST, head(), FITTING, AROUND, calibration=None, fresh=NOTHING)
    assert found.novelty is None
    assert found.calibration is None
    assert (len(found.repeats), len(found.data_curve)) == (5, 4)


def too_sure(count: int = 400) -> tuple[Array, Array]:
    """Return probabilities that are right in 7 of 10 cases, and say 99 %."""
    labels = np.arange(count) % 2
    said = np.where(np.arange(count) % 10 < 7, labels, 1 - labels)
    return np.where(np.eye(2)[said] == 1, 0.99, 0.01), labels


def test_the_temperature_takes_back_what_the_heads_were_too_sure_of() -> None:
    probabilities, labels = too_sure()
    calibration = calibrate(probabilities, labels)
    assert calibration is not None
    expected = np.log(0.99 / 0.01) / np.log(0.7 / 0.3)
    assert calibration.temperature == pytest.approx(expected, rel=1e-3)
    assert calibration.images == 400
    assert calibration.log_loss_after == pytest.approx(-(0.7 * np.log(0.7) + 0.3 * np.log(0.3)), rel=1e-4)
    assert calibration.log_loss_before > calibration.log_loss_after


def test_images_that_no_head_judged_are_left_out_of_the_temperature() -> None:
    probabilities, labels = too_sure()
    with_gaps = np.concatenate([np.full((3, 2), np.nan), probabilities])
    assert calibrate(with_gaps, np.concatenate([[0, 1, 0], labels])) == calibrate(probabilities, labels)
    assert calibrate(np.full((2, 2), np.nan), np.array([0, 1])) is None


def test_a_probability_of_nothing_still_gives_a_temperature() -> None:
    probabilities, labels = too_sure()
    probabilities[7] = [1.0, 0.0]
    calibration = calibrate(probabilities, labels)
    assert calibration is not None
    assert np.isfinite(calibration.log_loss_before)
    assert calibration.images == 400
