"""Evaluation."""

import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax

from pipeline.errors import TrainingDiverged
from pipeline.evaluate import evaluation, log_softmax, loss_and_accuracy
from pipeline.records import SnapshotImage


def test_log_softmax_is_that_of_scipy_also_for_large_logits() -> None:
    logits = np.array([[0.1, -2.0, 3.0], [1e4, -1e4, 0.0], [0.0, 0.0, 0.0]])
    assert log_softmax(logits) == pytest.approx(scipy_log_softmax(logits, axis=1))


def test_the_loss_is_a_mean_over_images() -> None:
    logits = np.log(np.array([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]))
    loss, accuracy = loss_and_accuracy(logits, np.array([1, 1, 1]))
    assert loss == pytest.approx(-(np.log(0.5) + np.log(0.75) + np.log(0.1)) / 3)
    assert accuracy == pytest.approx(1 / 3)  # of equals the first counts, as everywhere


def test_an_evaluation_names_each_image_with_its_probabilities() -> None:
    images = [
        SnapshotImage("a" * 64, "cat", "test", b"1.jpg"),
        SnapshotImage("b" * 64, "dog", "test", b"2.jpg"),
    ]
    found = evaluation(images, ("cat", "dog"), np.array([[2.0, 0.0], [1.0, 0.0]]))
    assert found.accuracy == 0.5
    assert [p.path for p in found.predictions] == [b"1.jpg", b"2.jpg"]
    assert sum(found.predictions[0].probabilities) == pytest.approx(1)
    assert found.predictions[0].probabilities[0] == pytest.approx(1 / (1 + np.exp(-2)))


def test_outputs_that_are_not_finite_are_no_evaluation() -> None:
    image = SnapshotImage("a" * 64, "cat", "test", b"1.jpg")
    for bad in (np.inf, np.nan):
        with pytest.raises(TrainingDiverged, match="outputs on the test images are not finite"):
            evaluation([image], ("cat", "dog"), np.array([[bad, 0.0]]))
