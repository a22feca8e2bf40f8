"""Precision, recall and F1."""

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import precision_recall_fscore_support
from statsmodels.stats.proportion import proportion_confint

from pipeline.class_metrics import class_metrics
from pipeline.paired import Estimate
from pipeline.records import Evaluation
from tests.pipeline.scored import CLASSES, evaluation_of, evaluations, shuffled, table

THREE = ("cat", "dog", "fox")


def value(estimate: Estimate | None) -> float:
    return 0.0 if estimate is None else estimate.value


@settings(max_examples=40, deadline=None)
@given(evaluations(classes=THREE))
def test_the_values_are_those_of_scikit_learn(evaluation: Evaluation) -> None:
    rows, labels = table(evaluation, THREE)
    expected = precision_recall_fscore_support(labels, rows.argmax(axis=1), labels=range(3), zero_division=0)
    metrics = class_metrics(evaluation, THREE)
    assert [m.label for m in metrics] == list(THREE)
    assert [value(m.precision) for m in metrics] == pytest.approx(expected[0])
    assert [value(m.recall) for m in metrics] == pytest.approx(expected[1])
    assert [value(m.f1) for m in metrics] == pytest.approx(expected[2])
    assert [m.images for m in metrics] == list(expected[3])


@settings(max_examples=40, deadline=None)
@given(evaluations(classes=THREE))
def test_the_intervals_are_wilsons_and_hold_the_value(evaluation: Evaluation) -> None:
    for metrics in class_metrics(evaluation, THREE):
        for estimate, of in ((metrics.precision, metrics.said), (metrics.recall, metrics.images)):
            if estimate is not None:
                expected = proportion_confint(metrics.right, of, method="wilson")
                assert (estimate.low, estimate.high) == pytest.approx(expected, abs=1e-9)
        if metrics.f1 is not None:
            assert 0 <= metrics.f1.low <= metrics.f1.value <= metrics.f1.high <= 1


def test_what_cannot_be_measured_is_left_out() -> None:
    cats_all_called_dogs = evaluation_of(np.array([[0.1, 0.9]] * 3), np.zeros(3, int))
    cat, dog = class_metrics(cats_all_called_dogs, CLASSES)
    assert (cat.precision, value(cat.recall), value(cat.f1)) == (None, 0, 0)
    assert (value(dog.precision), dog.recall, dog.f1) == (0, None, None)


def test_no_mistake_at_all_still_leaves_room_for_doubt() -> None:
    evaluation = evaluation_of(np.array([[0.9, 0.1]] * 30), np.zeros(30, int))
    f1 = class_metrics(evaluation, CLASSES)[0].f1
    assert f1 is not None
    assert f1.high == 1
    assert 0.9 < f1.low < 0.97


def test_the_interval_of_f1_agrees_with_resampling_where_many_images_are_wrong() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 4000)
    said = np.where(random.random(4000) < 0.2, 1 - labels, labels)
    f1 = class_metrics(evaluation_of(np.eye(2)[said], labels), CLASSES)[0].f1
    counts = [np.sum((labels == a) & (said == b)) for a, b in ((0, 0), (0, 1), (1, 0), (1, 1))]
    drawn = random.multinomial(4000, np.array(counts) / 4000, 20_000)
    resampled = 2 * drawn[:, 0] / (2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2])
    assert f1 is not None
    assert (f1.low, f1.high) == pytest.approx(tuple(np.percentile(resampled, (2.5, 97.5))), abs=0.002)


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_the_order_of_the_images_plays_no_part(evaluation: Evaluation) -> None:
    assert class_metrics(evaluation, CLASSES) == class_metrics(shuffled(evaluation), CLASSES)
