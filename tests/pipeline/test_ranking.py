"""ROC and precision-recall curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from pipeline.ranking import MOST_POINTS, Curve, precision_recall, roc
from pipeline.records import Evaluation
from tests.pipeline.scored import CLASSES, evaluation_of, evaluations, example, shuffled, table

THREE = ("cat", "dog", "fox")


def given_a_curve(curve: Curve | None) -> Curve:
    assert curve is not None
    return curve


@settings(max_examples=40, deadline=None)
@given(evaluations(classes=THREE))
def test_the_areas_are_those_of_scikit_learn(evaluation: Evaluation) -> None:
    rows, labels = table(evaluation, THREE)
    for n, label in enumerate(THREE):
        of_class = labels == n
        curves = roc(evaluation, THREE, label), precision_recall(evaluation, THREE, label)
        if of_class.all() or not of_class.any():
            assert curves == (None, None)
            continue
        assert given_a_curve(curves[0]).area == pytest.approx(roc_auc_score(of_class, rows[:, n]))
        assert given_a_curve(curves[1]).area == pytest.approx(average_precision_score(of_class, rows[:, n]))


@pytest.mark.parametrize("ties", [False, True])
def test_the_points_of_the_roc_curve_are_those_of_scikit_learn(ties: bool) -> None:
    evaluation = example(4, ties=ties)
    rows, labels = table(evaluation)
    x, y, _ = roc_curve(labels == 1, rows[:, 1], drop_intermediate=False)
    curve = given_a_curve(roc(evaluation, CLASSES, "dog"))
    assert curve.label == "dog"
    assert {(round(a, 9), round(b, 9)) for a, b in curve.points} <= set(
        zip(x.round(9).tolist(), y.round(9).tolist(), strict=True)
    )
    # Turned by 45 degrees the axis along the curve always grows, so that upright parts can be compared too.
    ours = np.array(curve.points)
    assert np.interp(x + y, ours.sum(axis=1), ours[:, 0]) == pytest.approx(x)


@pytest.mark.parametrize("ties", [False, True])
def test_the_points_of_the_precision_recall_curve_are_those_of_scikit_learn(ties: bool) -> None:
    evaluation = example(4, ties=ties)
    rows, labels = table(evaluation)
    precision, recall, _ = precision_recall_curve(labels == 1, rows[:, 1])
    curve = given_a_curve(precision_recall(evaluation, CLASSES, "dog"))
    assert np.array(curve.points[1:]) == pytest.approx(np.stack([recall, precision], axis=1)[-2::-1])
    assert curve.points[0] == (0, curve.points[1][1])


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_both_curves_stay_within_the_square_and_grow_to_the_right(evaluation: Evaluation) -> None:
    for curve in (roc(evaluation, CLASSES, "cat"), precision_recall(evaluation, CLASSES, "cat")):
        if curve is not None:
            points = np.array(curve.points)
            assert (points >= 0).all() and (points <= 1).all()
            assert (np.diff(points[:, 0]) >= 0).all()
            assert points[-1][0] == 1
            assert 0 <= curve.area <= 1


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_the_order_of_the_images_plays_no_part(evaluation: Evaluation) -> None:
    for curve_of in (roc, precision_recall):
        assert curve_of(evaluation, CLASSES, "cat") == curve_of(shuffled(evaluation), CLASSES, "cat")


def test_a_perfect_ranking_has_the_whole_area() -> None:
    evaluation = evaluation_of(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 0, 1]))
    assert given_a_curve(roc(evaluation, CLASSES, "cat")) == Curve("cat", ((0, 0), (0, 1), (1, 1)), 1.0)
    assert given_a_curve(precision_recall(evaluation, CLASSES, "cat")).area == 1


def test_two_classes_have_the_same_area() -> None:
    evaluation = example(6)
    areas = [given_a_curve(roc(evaluation, CLASSES, label)).area for label in CLASSES]
    assert areas[0] == pytest.approx(areas[1])


def test_a_curve_of_many_images_is_thinned_but_its_area_is_not() -> None:
    evaluation = example(7, images=5000)
    rows, labels = table(evaluation)
    for curve_of in (roc, precision_recall):
        curve = given_a_curve(curve_of(evaluation, CLASSES, "dog"))
        assert len(curve.points) <= MOST_POINTS
        assert curve.points[-1][0] == 1
    area = given_a_curve(roc(evaluation, CLASSES, "dog")).area
    assert area == pytest.approx(roc_auc_score(labels, rows[:, 1]), abs=1e-12)


def test_nothing_tested_has_no_curve() -> None:
    assert roc(Evaluation(0.0, 0.0, ()), CLASSES, "cat") is None
