"""The accuracy on what a network is sure of."""

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.coverage import MOST_POINTS, coverage_curve
from pipeline.intervals import wilson_interval
from pipeline.records import Evaluation
from tests.pipeline.scored import CLASSES, evaluation_of, evaluations, example, shuffled, table


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_each_point_is_what_a_count_of_the_sure_images_gives(evaluation: Evaluation) -> None:
    rows, labels = table(evaluation)
    for point in coverage_curve(evaluation, CLASSES):
        sure = rows.max(axis=1) >= point.threshold
        right = int((rows.argmax(axis=1) == labels)[sure].sum())
        assert point.images == sure.sum()
        assert point.coverage == pytest.approx(sure.mean())
        assert point.accuracy == pytest.approx(right / point.images)
        assert (point.low, point.high) == wilson_interval(right, point.images)


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_the_curve_begins_with_all_images_and_ends_with_the_surest(evaluation: Evaluation) -> None:
    curve = coverage_curve(evaluation, CLASSES)
    assert curve[0].coverage == 1
    assert curve[0].accuracy == pytest.approx(evaluation.accuracy)
    assert curve[-1].threshold == max(max(p.probabilities) for p in evaluation.predictions)
    coverages = [point.coverage for point in curve]
    assert coverages == sorted(set(coverages), reverse=True)


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_the_order_of_the_images_plays_no_part(evaluation: Evaluation) -> None:
    assert coverage_curve(evaluation, CLASSES) == coverage_curve(shuffled(evaluation), CLASSES)


def test_many_images_give_a_bounded_number_of_points() -> None:
    curve = coverage_curve(example(1, images=5000), CLASSES)
    assert 0.9 * MOST_POINTS <= len(curve) <= MOST_POINTS
    assert (curve[0].images, curve[-1].images) == (5000, 1)


def test_images_of_one_probability_stay_together() -> None:
    rows = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    curve = coverage_curve(evaluation_of(rows, np.array([0, 0, 0, 1])), CLASSES)
    assert [(point.threshold, point.images, point.accuracy) for point in curve] == [
        (0.6, 4, 0.75),
        (0.9, 2, 1),
    ]


def test_nothing_tested_has_no_curve() -> None:
    assert coverage_curve(Evaluation(0.0, 0.0, ()), CLASSES) == ()
