from dataclasses import replace

import pytest

from pipeline.records import Cycle, Findings, RunDetails, Verdict
from pipeline.report.checks_of_result import checks_of_result
from pipeline.report.verdict_check import Check
from pipeline.report.words import NARROW
from tests.pipeline import example_runs as runs
from tests.pipeline.example_checks import CALIBRATION, CLEAN, REPEATS, champion, with_findings


def check(cycle: Cycle, *titles: str) -> Check:
    (found,) = (one for one in checks_of_result(cycle) if one.title in titles)
    return replace(found, text=found.text.replace(NARROW, " "))


def with_margin(margin: float, images: int = 400) -> Cycle:
    run = runs.example_run("finetune", 13, test_images=images)
    return replace(CLEAN, finetune=RunDetails(run), verdict=Verdict("hold", "so", margin))


def test_few_test_images_are_a_problem() -> None:
    found = check(with_margin(0.001, 20), "Few test images")

    assert found.level == "bad"
    assert found.text.startswith("Only 20 test images: the true accuracy may well be anywhere from ")


def test_a_test_set_too_small_for_the_margin_says_how_many_it_takes() -> None:
    found = check(with_margin(0.001), "Test set small for the margin")

    assert found.level == "look"
    assert found.text == (
        "400 test images can show a gain of 1.5 percentage points or more; one as small as the margin of "
        "0.10 percentage points needs 6,000 of them."
    )


def test_a_test_set_large_enough_for_the_margin_is_good() -> None:
    found = check(with_margin(0.015), "Test set")

    assert found.level == "good"
    assert found.text.endswith(", which is enough for the margin of 1.5 percentage points.")


def test_a_cycle_without_a_margin_says_only_what_its_test_set_can_show() -> None:
    assert (
        check(CLEAN, "Test set").text == "400 test images can show a gain of 1.5 percentage points or more."
    )


@pytest.mark.parametrize(
    ("wrong", "title", "level"),
    [(6, "Within chance", "look"), (7, "Within chance", "look"), (13, "Beyond chance", "good"),
     (2, "Within chance", "look"), (0, "Beyond chance", "bad")],
)  # fmt: skip
def test_the_gain_is_held_against_the_luck_of_the_training_images(wrong: int, title: str, level: str) -> None:
    cycle = with_findings(Findings(repeats=REPEATS), compared=champion(wrong))

    assert check(cycle, title).level == level


def test_the_gain_and_the_scatter_are_said_in_numbers() -> None:
    found = check(with_findings(Findings(repeats=REPEATS), compared=champion()), "Beyond chance")

    assert found.section == "champion"
    assert found.text == (
        "The difference from the champion, +1.8 percentage points, is more than what luck does: fitted on 5 "
        "resamples of the training images, its accuracy scatters by 0.14 percentage points "
        "(standard deviation)."
    )


def test_what_the_test_images_do_not_show_is_not_said_to_be_beyond_chance() -> None:
    found = check(with_findings(Findings(repeats=REPEATS), compared=champion(2)), "Within chance")

    assert "is within what the luck of the test images does (p = 0.12), though more than that" in found.text


def test_the_luck_of_a_difference_is_that_of_both_models() -> None:
    apart = (0.98, 0.99)  # a standard deviation of 0.71 points, of a difference 1.0
    found = check(with_findings(Findings(repeats=apart), compared=champion(13)), "Within chance")

    assert found.text.startswith("The difference from the champion, +1.8 percentage points, is within")


def test_without_a_champion_the_scatter_stands_alone() -> None:
    found = check(with_findings(Findings(repeats=REPEATS)), "Luck of the training images")

    assert found.level == "good"


@pytest.mark.parametrize("repeats", [(), (0.9,)])
def test_no_scatter_no_word(repeats: tuple[float, ...]) -> None:
    cycle = with_findings(Findings(repeats=repeats), compared=champion())

    assert {one.title for one in checks_of_result(cycle)} == {"Test set", "Probabilities"}


def test_probabilities_that_fit_are_good_and_others_are_to_be_looked_at() -> None:
    assert check(CLEAN, "Probabilities").level == "good"
    assert check(replace(CLEAN, finetune=champion()), "Probabilities").level == "look"


def test_probabilities_are_said_before_and_after_their_correction() -> None:
    found = check(with_findings(Findings(CALIBRATION)), "Probabilities")

    assert found.section == "calibration"
    assert found.text.startswith("How sure the model says it is misses how often it is right by ")
    assert "before its correction it was 0.00 percentage points" in found.text


def test_an_untested_model_has_no_such_checks() -> None:
    run = runs.example_run("finetune", 13, test_accuracy=None)

    assert list(checks_of_result(replace(CLEAN, finetune=RunDetails(run)))) == []
    assert list(checks_of_result(replace(CLEAN, finetune=None))) == []
