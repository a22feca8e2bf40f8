"""What the sentences of the sections suggest, case by case."""

from dataclasses import replace

import pytest

from pipeline.records import Calibration, Cycle, DataPoint, Prediction
from pipeline.report.arrivals import arrivals_of
from pipeline.report.calibration import calibration_of
from pipeline.report.coverage import coverage_of, kept_above
from pipeline.report.data_curve import data_curve_of
from pipeline.report.models import models_of, signed
from pipeline.report.ranking import ranking_of
from pipeline.report.words import NARROW
from tests.pipeline.example_complete import complete_cycle, findings
from tests.pipeline.example_runs import CLASSES, example_details, example_evaluation


def with_curve(*points: tuple[int, int, int]) -> Cycle:
    """Return a cycle whose data curve has points of (training images, right, tested)."""
    curve = tuple(DataPoint(1, images, {"cat": right}, {"cat": of}) for images, right, of in points)
    return complete_cycle(
        finetune=replace(example_details("finetune", 1), findings=replace(findings(), data_curve=curve))
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((1000, 9000, 10000), (2000, 9500, 10000), "the curve still rises"),
        ((1000, 9900, 10000), (2000, 9901, 10000), "more images of the same kind would help little"),
        ((1000, 97, 100), (2000, 98, 100), "cannot be told from so few test images"),
    ],
    ids=["rises", "is flat", "is unclear"],
)
def test_the_last_step_of_the_curve_says_whether_more_data_would_help(
    before: tuple[int, int, int], after: tuple[int, int, int], said: str
) -> None:
    curve = data_curve_of(with_curve(before, after))

    assert curve is not None
    assert curve.sentence.startswith("Doubling the training images from 1,000 to 2,000")
    assert said in curve.sentence


def test_a_step_that_is_no_doubling_is_not_called_one() -> None:
    curve = data_curve_of(with_curve((1000, 97, 100), (1600, 98, 100)))

    assert curve is not None
    assert curve.sentence.startswith("Growing the training images from 1,000 to 1,600")


@pytest.mark.parametrize("points", [(), ((1000, 97, 100),), ((1000, 0, 0), (2000, 0, 0))])
def test_a_curve_needs_two_points_with_test_images(points: tuple[tuple[int, int, int], ...]) -> None:
    assert data_curve_of(with_curve(*points)) is None


def test_a_class_without_test_images_has_no_plot_of_its_own() -> None:
    curve = data_curve_of(with_curve((1000, 97, 100), (2000, 98, 100)))

    assert curve is not None
    assert [panel.heading for panel in curve.panels] == ["All classes", "cat"]


@pytest.mark.parametrize(
    ("temperature", "way"),
    [
        (1.3, "too sure of itself"),
        (0.7, "not sure enough of itself"),
        (1.01, "about as sure of itself as it should be"),
    ],
)
def test_the_temperature_says_which_way_the_network_was_off(temperature: float, way: str) -> None:
    changed = replace(findings(), calibration=Calibration(temperature, 10, 0.3, 0.2))
    cycle = complete_cycle(finetune=replace(example_details("finetune", 1), findings=changed))
    calibration = calibration_of(models_of(cycle), CLASSES)

    assert calibration is not None
    assert f"the network was {way}." in calibration.fitted


def test_what_is_kept_above_a_threshold_is_counted_image_by_image() -> None:
    evaluation = example_evaluation(0)
    sure = [max(prediction.probabilities) for prediction in evaluation.predictions]
    kept = kept_above(evaluation, CLASSES, 0.8)

    assert (kept.images, kept.right, kept.total) == (sum(one >= 0.8 for one in sure),) * 2 + (400,)


def test_a_model_that_is_never_sure_answers_nothing() -> None:
    unsure = example_evaluation(0)
    predictions = tuple(replace(p, probabilities=(0.5, 0.5)) for p in unsure.predictions)
    details = replace(
        example_details("finetune", 1), evaluation=replace(unsure, predictions=predictions, accuracy=0.5)
    )
    coverage = coverage_of(models_of(complete_cycle(finetune=details, compared=None, scratch=None)), CLASSES)

    assert coverage is not None
    assert coverage.sentence == f"On no test image is the model 90{NARROW}% sure."
    assert [row.images for row in coverage.rows] == [400, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("wrong_old", "wrong_new", "said"),
    [
        (0, 40, "clearly less than on every earlier batch"),
        (40, 0, "clearly more than on every earlier batch"),
        (3, 3, "the intervals of all earlier batches overlap with that"),
    ],
)
def test_the_newest_batch_is_told_apart_by_its_interval(wrong_old: int, wrong_new: int, said: str) -> None:
    right, wrong = example_evaluation(0).predictions, example_evaluation(400).predictions
    predictions: tuple[Prediction, ...] = tuple(
        (wrong if n < wrong_old or 200 <= n < 200 + wrong_new else right)[n] for n in range(400)
    )
    details = example_details("finetune", 1)
    assert details.evaluation
    tested = replace(details, evaluation=replace(details.evaluation, predictions=predictions))
    cycle = complete_cycle(
        finetune=tested, arrivals={p.sha256: 1 + (n >= 200) for n, p in enumerate(predictions)}
    )
    arrivals = arrivals_of(cycle, models_of(cycle))

    assert arrivals is not None
    assert said in arrivals.sentence


def test_without_a_tested_model_there_is_nothing_to_work_out() -> None:
    assert ranking_of((), CLASSES) is None
    assert calibration_of((), CLASSES) is None
    assert coverage_of((), CLASSES) is None
    assert arrivals_of(complete_cycle(), ()) is None


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, "+0.25"), (-0.25, "\N{MINUS SIGN}0.25"), (-0.001, "0.00"), (0.0, "0.00")]
)
def test_a_difference_has_its_sign_unless_it_is_nothing(value: float, text: str) -> None:
    assert signed(value, 2) == text
