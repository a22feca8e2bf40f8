"""The verdict."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compare import detectable_gain, images_for, verdict
from pipeline.paired import mcnemar
from pipeline.records import Evaluation
from tests.pipeline.scored import CLASSES, evaluation_of, evaluations, scored, shuffled


def sure(confidence: float, right: list[bool]) -> Evaluation:
    """Return an evaluation of cats with the same confidence in each answer."""
    rows = [(confidence, 1 - confidence) if ok else (1 - confidence, confidence) for ok in right]
    return evaluation_of(np.array(rows), np.zeros(len(right), int))


def test_without_a_champion_the_first_model_is_taken() -> None:
    assert verdict(None, scored([True]), CLASSES).decision == "first"


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_the_same_model_twice_is_a_hold(evaluation: Evaluation) -> None:
    assert verdict(evaluation, shuffled(evaluation), CLASSES).decision == "hold"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_never_are_both_of_two_models_better_than_the_other(pairs: list[tuple[bool, bool]]) -> None:
    one, other = scored([a for a, _ in pairs]), scored([b for _, b in pairs])
    there, back = (verdict(a, b, CLASSES).decision for a, b in ((one, other), (other, one)))
    assert (there, back) in {("promote", "reject"), ("reject", "promote"), ("hold", "hold"),
                             ("hold", "reject"), ("reject", "hold")}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(evaluations(), evaluations())
def test_the_order_of_the_images_changes_no_word_of_the_verdict(one: Evaluation, other: Evaluation) -> None:
    assert verdict(one, other, CLASSES) == verdict(shuffled(one, 1), shuffled(other, 2), CLASSES)


def test_three_more_of_4500_are_no_gain() -> None:
    champion = scored([True] * 4456 + [False] * 44)
    challenger = scored([True] * 4459 + [False] * 41)
    assert verdict(champion, challenger, CLASSES).decision == "hold"


# Two-sided binomial probabilities of a fair coin, by hand: 2 * (1 + n) / 2^n and so on.
@pytest.mark.parametrize(
    ("fixed", "broken", "p_value", "decision"),
    [
        (6, 0, "0.031", "promote"),
        (5, 0, "0.062", "hold"),
        (0, 6, "0.031", "reject"),
        (9, 1, "0.021", "promote"),
    ],
)
def test_the_p_value_is_that_of_the_exact_mcnemar_test(
    fixed: int, broken: int, p_value: str, decision: str
) -> None:
    champion = scored([False] * fixed + [True] * broken + [True] * 80)
    challenger = scored([True] * fixed + [False] * broken + [True] * 80)
    decided = verdict(champion, challenger, CLASSES)
    assert decided.decision == decision
    assert f"p = {p_value}" in decided.reason


def test_the_reason_has_the_numbers() -> None:
    champion, challenger = scored([False] * 10 + [True] * 90), scored([True] * 100)
    assert verdict(champion, challenger, CLASSES, margin=0.02).reason == (
        "better than the champion: of 100 test images it newly gets 10 right and 0 wrong (p = 0.002), "
        "which changes the accuracy by +10.00 percentage points, 95 % interval +3.83 to +16.00"
    )


@pytest.mark.parametrize(("margin", "decision"), [(0.0, "promote"), (0.01, "promote"), (0.0101, "hold")])
def test_a_gain_below_the_margin_is_a_hold(margin: float, decision: str) -> None:
    champion, challenger = scored([False] * 10 + [True] * 990), scored([True] * 1000)
    decided = verdict(champion, challenger, CLASSES, margin=margin)
    assert (decided.decision, decided.margin) == (decision, margin)
    assert ("less than the margin of 1.01 points" in decided.reason) == (decision == "hold")


@pytest.mark.parametrize(
    ("confidences", "decision"), [((0.9, 0.9), "hold"), ((0.9, 0.6), "reject"), ((0.6, 0.9), "hold")]
)
def test_of_equal_accuracy_the_one_with_worse_probabilities_is_rejected(
    confidences: tuple[float, float], decision: str
) -> None:
    right = [True] * 95 + [False] * 5
    before, after = (sure(confidence, right) for confidence in confidences)
    decided = verdict(before, after, CLASSES)
    assert decided.decision == decision
    assert ("its probabilities are worse (log loss +" in decided.reason) == (decision == "reject")


def test_more_right_with_worse_probabilities_is_a_hold() -> None:
    before, after = sure(0.95, [True] * 90 + [False] * 10), sure(0.55, [True] * 100)
    decided = verdict(before, after, CLASSES)
    assert decided.decision == "hold"
    assert decided.reason.startswith("more often right than the champion, but its probabilities are worse")


def test_fewer_right_is_rejected_however_good_the_probabilities() -> None:
    before, after = sure(0.55, [True] * 100), sure(0.95, [True] * 90 + [False] * 10)
    assert verdict(before, after, CLASSES).decision == "reject"


def test_two_models_without_a_shared_test_image_cannot_be_compared() -> None:
    apart = Evaluation(1.0, 0.1, scored([True] * 4).predictions[2:])
    decided = verdict(scored([True] * 2), apart, CLASSES)
    assert decided.decision == "hold"
    assert "no test image was given to both" in decided.reason


@pytest.mark.parametrize("images", [6, 10, 400, 6000])
def test_the_least_gain_that_shows_is_that_of_the_fewest_images_all_on_one_side(images: int) -> None:
    discordant = round(detectable_gain(images) * images)
    assert mcnemar(discordant, 0) < 0.05 < mcnemar(discordant - 1, 0)


def test_five_images_can_show_nothing() -> None:
    assert math.isinf(detectable_gain(5))


@given(st.floats(1e-5, 1))
def test_so_many_images_suffice_for_the_margin_and_one_less_does_not(margin: float) -> None:
    images = images_for(margin)
    assert detectable_gain(images) <= margin * (1 + 1e-9)
    assert images == 6 or detectable_gain(images - 1) > margin


def test_the_default_margin_takes_6000_images() -> None:
    assert images_for(0.001) == 6000


def test_no_number_of_images_shows_a_gain_of_nothing() -> None:
    with pytest.raises(ValueError, match="no number of images shows a gain of 0"):
        images_for(0.0)
