"""Temperature scaling and calibration error."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from pipeline.arrays import Array
from pipeline.calibration import (
    LEAST_TEMPERATURE,
    MOST_TEMPERATURE,
    calibrated,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from pipeline.evaluate import log_softmax
from pipeline.evaluation_tables import said_index
from pipeline.intervals import wilson_interval
from pipeline.records import Evaluation
from tests.pipeline.scored import CLASSES, evaluation_of, evaluations, example, shuffled, table

temperatures = st.floats(LEAST_TEMPERATURE, MOST_TEMPERATURE)
THREE = ("cat", "dog", "fox")


def drawn_logits(images: int, classes: int, seed: int) -> tuple[Array, Array]:
    """Return logits whose softmax is the very chance of each class, and labels drawn by it."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (images, classes))
    # The largest of logits with Gumbel noise is distributed as their softmax.
    return logits, (logits + random.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 4.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_fitted_temperature_undoes_a_known_one(temperature: float, classes: int) -> None:
    logits, labels = drawn_logits(20_000, classes, seed=classes)
    fitted = fit_temperature(log_softmax(logits * temperature), labels)
    assert fitted == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_has_a_lower_log_loss() -> None:
    logits, labels = drawn_logits(500, 3, seed=1)
    log_probabilities = log_softmax(logits * 2.5)

    def loss(temperature: float) -> float:
        return float(log_loss(labels, np.exp(log_softmax(log_probabilities / temperature)), labels=range(3)))

    best = loss(fit_temperature(log_probabilities, labels))
    assert best <= min(loss(temperature) for temperature in np.geomspace(0.05, 20, 200)) + 1e-9


def test_where_all_are_right_or_none_is_known_the_temperature_stays_one() -> None:
    assert fit_temperature(np.log([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])) == 1
    assert fit_temperature(np.empty((0, 2)), np.empty(0, int)) == 1


@settings(max_examples=40, deadline=None)
@given(evaluations(classes=THREE))
def test_a_temperature_is_always_finite_and_within_its_bounds(evaluation: Evaluation) -> None:
    rows, labels = table(evaluation, THREE)
    with np.errstate(divide="ignore"):
        fitted = fit_temperature(np.log(rows), labels)
    assert LEAST_TEMPERATURE <= fitted <= MOST_TEMPERATURE


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_temperature_one_changes_nothing(evaluation: Evaluation) -> None:
    assert calibrated(evaluation, 1.0) is evaluation


@settings(max_examples=40, deadline=None)
@given(evaluations(classes=THREE), temperatures)
def test_a_temperature_changes_no_answer(evaluation: Evaluation, temperature: float) -> None:
    changed = calibrated(evaluation, temperature, THREE)
    assert changed.accuracy == evaluation.accuracy
    assert [said_index(p) for p in changed.predictions] == [said_index(p) for p in evaluation.predictions]
    for prediction in changed.predictions:
        assert sum(prediction.probabilities) == pytest.approx(1)
    rows, labels = table(changed, THREE)
    if rows.min() > 1e-12:  # below that scikit-learn rounds
        assert changed.log_loss == pytest.approx(log_loss(labels, rows, labels=range(3)))


def test_a_close_second_never_becomes_the_first_by_rounding() -> None:
    nearly = np.nextafter(0.5, 0)
    evaluation = evaluation_of(np.array([[nearly, 1 - nearly]]), np.array([1]))
    assert said_index(evaluation.predictions[0]) == 1
    assert said_index(calibrated(evaluation, 20.0).predictions[0]) == 1


@given(st.floats(0.001, 0.999), temperatures)
def test_the_probabilities_are_powers_brought_back_to_a_sum_of_one(p: float, temperature: float) -> None:
    evaluation = evaluation_of(np.array([[p, 1 - p]] * 2), np.array([0, 1]))
    powers = np.array([p, 1 - p]) ** (1 / temperature)
    changed = calibrated(evaluation, temperature).predictions[0].probabilities
    assert changed == pytest.approx(tuple(powers / powers.sum()))


def test_two_temperatures_one_after_the_other_multiply() -> None:
    twice, once = calibrated(calibrated(example(1), 2.0), 1.5), calibrated(example(1), 3.0)
    assert twice.log_loss == pytest.approx(once.log_loss)


def test_the_log_loss_is_unknown_where_the_classes_are() -> None:
    only_cats = evaluation_of(np.array([[0.9, 0.1]]), np.array([0]))
    assert math.isnan(calibrated(only_cats, 2.0).log_loss)
    assert calibrated(only_cats, 2.0, CLASSES).log_loss == pytest.approx(-math.log(3 / 4))


def test_impossible_and_certain_stay_so_and_finite() -> None:
    evaluation = evaluation_of(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    changed = calibrated(evaluation, 2.0)
    assert changed.predictions[0].probabilities == pytest.approx((1.0, 0.0))
    assert math.isfinite(changed.log_loss)


@settings(max_examples=40, deadline=None)
@given(evaluations(classes=THREE))
def test_the_calibration_error_is_a_share_and_no_matter_of_order(evaluation: Evaluation) -> None:
    error = expected_calibration_error(evaluation, THREE)
    assert 0 <= error <= 1
    assert error == expected_calibration_error(shuffled(evaluation), THREE)


@settings(max_examples=40, deadline=None)
@given(evaluations(), st.integers(1, 20))
def test_every_image_is_in_one_bin(evaluation: Evaluation, bins: int) -> None:
    parts = reliability(evaluation, CLASSES, bins)
    assert sum(part.images for part in parts) == len(evaluation.predictions)
    for part in parts:
        assert part.low - 1e-9 <= part.confidence <= part.high + 1e-9
        expected = wilson_interval(round(part.right_share * part.images), part.images)
        assert (part.interval_low, part.interval_high) == expected


def test_the_bins_are_those_of_scikit_learn() -> None:
    evaluation = example(3, images=1000)
    rows, labels = table(evaluation)
    right = rows.argmax(axis=1) == labels
    shares, confidences = calibration_curve(right, rows.max(axis=1), n_bins=10)
    parts = reliability(evaluation, CLASSES)
    assert [part.right_share for part in parts] == pytest.approx(shares)
    assert [part.confidence for part in parts] == pytest.approx(confidences)


def test_the_calibration_error_of_a_small_example_by_hand() -> None:
    # Two images said with 0.95, both right; two with 0.65, one right: (2 * 0.05 + 2 * 0.15) / 4.
    rows = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.65, 0.35]])
    evaluation = evaluation_of(rows, np.array([0, 0, 0, 1]))
    assert expected_calibration_error(evaluation, CLASSES) == pytest.approx(0.1)


def test_the_fitted_temperature_lowers_the_calibration_error_of_an_overconfident_network() -> None:
    logits, labels = drawn_logits(5000, 2, seed=5)
    evaluation = evaluation_of(np.exp(log_softmax(logits * 3)), labels)
    after = calibrated(evaluation, fit_temperature(logits * 3, labels))
    assert expected_calibration_error(after, CLASSES) < 0.02 < expected_calibration_error(evaluation, CLASSES)


def test_nothing_tested_has_no_bins_and_no_error() -> None:
    nothing = Evaluation(0.0, 0.0, ())
    assert reliability(nothing, CLASSES) == ()
    assert expected_calibration_error(nothing, CLASSES) == 0
    assert calibrated(nothing, 2.0) is nothing
