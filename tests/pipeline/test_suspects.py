"""Labels that are probably wrong."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.arrays import Array
from pipeline.head import fit_head
from pipeline.records import SnapshotImage, Suspect
from pipeline.suspects import out_of_fold_probabilities, suspects

NAMES = ("cat", "dog", "fox")


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def clusters(sizes: Sequence[int], distance: float = 5.0) -> tuple[Array, Array]:
    """Return features (N, 8) of classes that lie `distance` standard deviations from 0, and labels (N,)."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    features = np.random.default_rng(0).normal(size=(len(labels), 8))
    features[np.arange(len(labels)), labels] += distance
    return features.astype(np.float32), labels


def judged(features: Array, labels: Array, classes: int, keys: Sequence[str]) -> Array:
    return out_of_fold_probabilities(features, labels, classes, strength=0.1, iterations=50, keys=keys)


def ranked_of(probabilities: Array, labels: Array, keys: Sequence[str]) -> tuple[Suspect, ...]:
    """Return the suspects among images that are named after their keys."""
    images = [
        SnapshotImage(key, NAMES[label], "train", key.encode())
        for key, label in zip(keys, labels, strict=True)
    ]
    return suspects(probabilities, images, NAMES[: probabilities.shape[1]])


def found(features: Array, labels: Array, classes: int) -> tuple[Suspect, ...]:
    keys = hashes(len(labels))
    return ranked_of(judged(features, labels, classes, keys), labels, keys)


# ---------------------------------------------------------------- out-of-fold probabilities


def test_heads_fitted_on_a_part_of_very_many_images_judge_all_of_them() -> None:
    features, labels = clusters([400, 400, 3])
    options: dict[str, Any] = {"strength": 0.1, "iterations": 50, "keys": hashes(len(labels))}
    all_of_them = out_of_fold_probabilities(features, labels, 3, **options)
    probabilities = out_of_fold_probabilities(features, labels, 3, **options, most=60)
    assert np.isfinite(probabilities).all(), "also a class of three images is seen by every head"
    assert (probabilities.argmax(axis=1) == all_of_them.argmax(axis=1)).mean() > 0.98
    assert (probabilities != all_of_them).any()


@pytest.mark.parametrize("classes", [2, 3])
def test_each_row_is_a_distribution_over_the_classes(classes: int) -> None:
    features, labels = clusters([40] * classes)
    probabilities = judged(features, labels, classes, hashes(len(labels)))
    assert probabilities.shape == (40 * classes, classes)
    assert probabilities.dtype == np.float64
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.95


def test_no_image_is_judged_by_a_head_that_saw_its_label() -> None:
    labels = np.arange(60) % 2
    features = np.eye(60, dtype=np.float32)  # an image tells nothing of any other
    seen = fit_head(features, labels, 2, strength=1.0, iterations=50)[-1].logits(features)
    assert (seen.argmax(axis=1) == labels).all()
    assert judged(features, labels, 2, hashes(60)) == pytest.approx(0.5, abs=0.01)


def test_the_same_images_in_another_order_get_the_same_probabilities() -> None:
    features, labels = clusters([33, 21, 4], distance=1.0)
    keys = hashes(len(labels))
    shuffled = np.random.default_rng(5).permutation(len(labels))
    again = judged(features[shuffled], labels[shuffled], 3, [keys[i] for i in shuffled])
    assert np.array_equal(again, judged(features, labels, 3, keys)[shuffled])


def test_other_content_hashes_draw_other_folds() -> None:
    features, labels = clusters([30, 30], distance=1.0)
    keys = hashes(60)
    assert not np.array_equal(judged(features, labels, 2, keys), judged(features, labels, 2, keys[::-1]))


def test_a_class_smaller_than_the_number_of_folds_is_judged_all_the_same() -> None:
    features, labels = clusters([30, 3])
    probabilities = judged(features, labels, 2, hashes(33))
    assert np.isfinite(probabilities).all()
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.9


def test_the_only_image_of_its_class_is_not_judged_and_never_suspected() -> None:
    features, labels = clusters([30, 30, 1])
    probabilities = judged(features, labels, 3, hashes(61))
    assert np.isnan(probabilities[60]).all()
    assert np.isfinite(probabilities[:60]).all()
    assert hashes(61)[60] not in {suspect.sha256 for suspect in found(features, labels, 3)}


def test_two_classes_of_one_image_each_have_no_suspects() -> None:
    features, labels = clusters([1, 1])
    assert np.isnan(judged(features, labels, 2, hashes(2))).all()
    assert found(features, labels, 2) == ()


def test_a_class_without_images_is_never_suggested() -> None:
    features, labels = clusters([20, 20], distance=0.0)
    assert {suspect.suggested for suspect in found(features, labels, 3)} == {"cat", "dog"}


# ---------------------------------------------------------------- suspects


def planted(classes: int, count: int = 20) -> tuple[Array, Array, Array]:
    """Return features (N, 8) of clear classes, labels of which `count` are wrong, and the true ones (N,)."""
    features, true = clusters([200] * classes, distance=8.0)
    wrong = np.random.default_rng(1).choice(len(true), count, replace=False)
    labels = true.copy()
    labels[wrong] = (labels[wrong] + 1) % classes
    return features, labels, true


@pytest.mark.parametrize("classes", [2, 3])
def test_planted_wrong_labels_are_found_with_the_label_that_they_had(classes: int) -> None:
    features, labels, true = planted(classes)
    right = dict(zip(hashes(len(true)), (NAMES[label] for label in true), strict=True))
    ranked = found(features, labels, classes)
    correct = sum(right[suspect.sha256] == suspect.suggested for suspect in ranked)
    assert correct / len(ranked) >= 0.95, "precision"
    assert correct / 20 >= 0.6, "recall: how many there are is estimated from those that are clear"


@pytest.mark.parametrize("classes", [2, 3])
def test_wrong_labels_are_the_least_probable_of_all(classes: int) -> None:
    features, labels, true = planted(classes)
    own = judged(features, labels, classes, hashes(len(true)))[np.arange(len(true)), labels]
    assert set(own.argsort()[:20]) == set(np.flatnonzero(labels != true))


@pytest.mark.parametrize("classes", [2, 3])
def test_clear_classes_without_wrong_labels_have_next_to_no_suspects(classes: int) -> None:
    features, labels = clusters([200] * classes)
    assert len(found(features, labels, classes)) <= 0.01 * len(labels)


def test_the_order_of_the_images_plays_no_part() -> None:
    features, labels = clusters([50, 50, 5], distance=1.0)
    keys = hashes(105)
    shuffled = np.random.default_rng(5).permutation(105)
    probabilities = judged(features, labels, 3, keys)
    again = ranked_of(probabilities[shuffled], labels[shuffled], [keys[i] for i in shuffled])
    assert again == ranked_of(probabilities, labels, keys)
    assert len(again) > 2


def test_a_suspect_tells_its_label_the_suggested_one_and_how_sure_that_is() -> None:
    labels = np.array([0, 0, 1, 1, 0])
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.25, 0.75]])
    assert ranked_of(probabilities, labels, "abcde") == (Suspect("e", b"e", "cat", "dog", 0.25, 0.5),)


@pytest.mark.parametrize(("sure_of_dogs", "names"), [(0.55, ["c"]), (0.9, [])])
def test_the_less_sure_a_head_is_of_a_class_the_less_it_takes_to_suspect_it(
    sure_of_dogs: float, names: list[str]
) -> None:
    labels = np.array([0, 0, 0, 1, 1])
    dogs = np.array([0.01, 0.03, 0.58, sure_of_dogs, sure_of_dogs + 0.05])
    ranked = ranked_of(np.stack([1 - dogs, dogs], axis=1), labels, "abcde")
    assert [suspect.sha256 for suspect in ranked] == names


def test_none_is_suspected_whose_label_is_the_more_probable() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    dogs = np.array([0.01, 0.03, 0.45, 0.4, 0.45])  # the third is as much of a dog as dogs are
    assert ranked_of(np.stack([1 - dogs, dogs], axis=1), labels, "abcde") == ()


def test_the_most_suspicious_come_first_and_equals_by_their_hash() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1])
    dogs = np.array([0.1, 0.1, 0.75, 0.875, 0.75, 0.6, 0.6])
    ranked = ranked_of(np.stack([1 - dogs, dogs], axis=1), labels, "gfedcba")
    assert [suspect.sha256 for suspect in ranked] == ["d", "c", "e"]


def test_no_images_have_no_suspects() -> None:
    assert ranked_of(np.empty((0, 2)), np.empty(0, np.int64), []) == ()


@st.composite
def small_cases(draw: st.DrawFn) -> tuple[list[list[Fraction]], list[int]]:
    """Draw probabilities (N, classes) in sixteenths, whose means are exact enough to compare, and labels."""
    classes = draw(st.integers(2, 3))
    rows = draw(
        st.lists(st.lists(st.integers(1, 9), min_size=classes, max_size=classes), min_size=1, max_size=9)
    )
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=len(rows), max_size=len(rows)))
    return [[Fraction(part, 16) for part in row] for row in rows], labels


def by_the_paper(p: list[list[Fraction]], label: list[int]) -> dict[int, tuple[int, Fraction]]:
    """Return image -> (suggested class, margin): prune by noise rate, written out as the paper defines it."""
    classes, images = range(len(p[0])), range(len(p))
    having = [[x for x in images if label[x] == i] for i in classes]
    t = {j: sum(p[x][j] for x in having[j]) / Fraction(len(having[j])) for j in classes if having[j]}
    joint = {(i, j): 0 for i in classes for j in classes}
    for x in images:
        confident = [j for j in t if p[x][j] >= t[j]]
        if confident:
            most = max(p[x][j] for j in confident)
            joint[label[x], min(j for j in confident if p[x][j] == most)] += 1
    chosen: dict[int, tuple[int, Fraction]] = {}
    for i, j in joint:
        total = sum(joint[i, k] for k in classes)
        count = round(Fraction(joint[i, j] * len(having[i]), total)) if total and i != j else 0
        for x in sorted(having[i], key=lambda x: (p[x][i] - p[x][j], x))[:count]:
            margin = p[x][j] - p[x][i]
            if margin > max(0, chosen.get(x, (0, 0))[1]):
                chosen[x] = (j, margin)
    return chosen


# Two classes suggested for one image by the same margin: the first one counts.
TWO_SUGGESTIONS = (
    [[Fraction(part) for part in row] for row in (*["111"] * 5, "122", "112")],
    [0, 0, 0, 1, 2, 0, 0],
)


@given(small_cases())
@example(TWO_SUGGESTIONS)
def test_the_suspects_are_those_of_the_papers_definition(
    case: tuple[list[list[Fraction]], list[int]],
) -> None:
    p, labels = case
    keys = [str(x) for x in range(len(p))]
    ranked = ranked_of(np.array(p, dtype=float), np.array(labels), keys)
    result = {int(s.sha256): (NAMES.index(s.suggested), Fraction(s.score)) for s in ranked}
    assert result == by_the_paper(p, labels)
    assert all(Fraction(s.probability) == p[int(s.sha256)][labels[int(s.sha256)]] for s in ranked)
    assert [s.score for s in ranked] == sorted((s.score for s in ranked), reverse=True)


def test_a_suspect_has_plain_python_values() -> None:
    features, labels = clusters([20, 20], distance=0.0)
    first = found(features, labels, 2)[0]
    assert [type(getattr(first, field.name)) for field in fields(first)] == [
        str,
        bytes,
        str,
        str,
        float,
        float,
    ]
