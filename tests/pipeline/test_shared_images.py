from math import log

import pytest

from pipeline.records import Evaluation, Prediction
from pipeline.shared_images import on_shared_images

CLASSES = ("cat", "dog")


def said(sha256: str, label: str, cat: float) -> Prediction:
    return Prediction(sha256, sha256.encode(), label, (cat, 1 - cat))


def test_both_are_cut_down_to_the_shared_images_and_scored_anew() -> None:
    one = Evaluation(0.0, 9.0, (said("a", "cat", 0.75), said("b", "dog", 0.75), said("c", "cat", 0.5)))
    other = Evaluation(0.0, 9.0, (said("d", "cat", 0.1), said("b", "dog", 0.25), said("a", "cat", 0.5)))
    both = on_shared_images(one, other, other, CLASSES)
    assert both is not None
    assert [each.accuracy for each in both] == [0.5, 1.0]
    assert both[0].log_loss == pytest.approx((-log(0.75) - log(0.25)) / 2)
    assert both[1].log_loss == pytest.approx((-log(0.75) - log(0.5)) / 2)
    assert both[0].predictions == one.predictions[:2]
    assert both[1].predictions == other.predictions[1:]


def test_the_labels_are_those_of_the_truth_for_both() -> None:
    one = Evaluation(1.0, 0.0, (said("a", "cat", 1.0),))
    other = Evaluation(1.0, 0.0, (said("a", "dog", 0.0),))
    both = on_shared_images(one, other, other, CLASSES)
    assert both is not None
    assert [(e.accuracy, e.predictions[0].label) for e in both] == [(0.0, "dog"), (1.0, "dog")]
    assert both[0].log_loss > 100


def test_without_a_shared_image_there_is_nothing() -> None:
    one = Evaluation(1.0, 0.0, (said("a", "cat", 1.0),))
    assert on_shared_images(one, Evaluation(1.0, 0.0, (said("b", "cat", 1.0),)), one, CLASSES) is None
