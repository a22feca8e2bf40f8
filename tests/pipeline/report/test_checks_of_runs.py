from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from pipeline.records import SAME_NUMBERS, WENT_ON, Cycle, RunDetails
from pipeline.report.checks_of_runs import checks_of_runs
from pipeline.report.verdict_check import Check
from pipeline.report.words import NARROW
from tests.pipeline import example_cycles as examples
from tests.pipeline import example_runs as runs
from tests.pipeline.example_checks import CLEAN, STEADY, previous_cycle


def found_in(cycle: Cycle) -> list[Check]:
    return [replace(check, text=check.text.replace(NARROW, " ")) for check in checks_of_runs(cycle)]


def check(cycle: Cycle, title: str) -> Check:
    (found,) = (one for one in found_in(cycle) if one.title == title)
    return found


def scratch(**changes: object) -> RunDetails:
    return runs.example_details("scratch", 14, **{"epochs": STEADY, **changes})


def test_a_missing_baseline_is_said() -> None:
    found = check(replace(CLEAN, scratch=None), "Baseline")

    assert (found.level, found.text[:11]) == ("look", "No baseline")


def test_a_baseline_that_is_used_again_names_its_run_and_its_images() -> None:
    used = replace(CLEAN, scratch=scratch(train_images=1500, cycle_id=4), scratch_reused=True)
    found = check(used, "Baseline used again")

    assert found.level == "look"
    assert found.text == (
        "The baseline is run 14 of cycle 4, used again, not trained anew. "
        "It was trained on 1,500 images; this cycle has 1,600."
    )


def test_a_baseline_that_is_used_again_on_the_same_images_is_fine() -> None:
    assert check(replace(CLEAN, scratch_reused=True), "Baseline used again").level == "good"


def test_a_baseline_on_a_part_of_the_images_is_said_with_its_setting() -> None:
    settings = dict(runs.example_run("scratch", 14).settings) | {"baseline_images": 400}
    part = replace(CLEAN, scratch=scratch(train_images=400, settings=settings))

    assert check(part, "Baseline on a part").text == (
        "The baseline was trained on a part: 400 of 1,600 training images (setting baseline_images)."
    )


def test_a_baseline_that_was_still_getting_better_is_said_to_be_under_trained() -> None:
    better = replace(CLEAN, scratch=scratch(epochs=runs.example_epochs("scratch")))
    found = check(better, "Baseline under-trained")

    assert (found.level, found.section) == ("look", "curves")
    assert found.text.startswith("The baseline was still getting better when it ended after 3 epochs")
    assert check(CLEAN, "Baseline trained out").level == "good"


def test_a_baseline_that_went_astray_is_not_said_to_be_trained_out() -> None:
    *kept, last = STEADY
    astray = scratch(epochs=(*kept, replace(last, test_loss=nan)))
    titles = {one.title for one in found_in(replace(CLEAN, scratch=astray))}

    assert "Numbers" in titles
    assert not titles & {"Baseline trained out", "Baseline under-trained"}


def test_a_failed_baseline_of_a_finished_cycle_is_said_with_its_error() -> None:
    found = check(examples.cycle_with_a_failed_baseline(), "The run failed")

    assert found.level == "look"
    assert found.text == (
        "From scratch: the run failed: the loss became nan in epoch 1; choose a smaller "
        "baseline_learning_rate"
    )


@pytest.mark.parametrize(
    ("why", "level"), [(SAME_NUMBERS, "good"), ("its numbers may differ: threads is 2 and was 4", "look")]
)
def test_a_run_that_was_cut_off_says_whether_its_numbers_are_the_same(why: str, level: str) -> None:
    note = f"{WENT_ON} 1, since it had been cut off (the process ended without finishing); {why}"
    found = check(replace(CLEAN, scratch=scratch(notes=("another note", note))), "Cut off")

    assert (found.level, found.text) == (level, f"From scratch: the run {note}.")


def test_a_failed_fine_tune_is_a_problem() -> None:
    run = runs.example_run("finetune", 13, status="failed", error="MXNet failed")

    assert check(replace(CLEAN, finetune=RunDetails(run)), "The run failed").level == "bad"


def test_the_error_of_the_cycle_itself_is_not_said_twice() -> None:
    cut_off = examples.cycle_cut_off_in_its_baseline()

    assert not [one for one in found_in(cut_off) if one.title.startswith("The run")]


def test_runs_that_were_tested_on_other_images_are_said() -> None:
    details = scratch()
    assert details.evaluation is not None
    fewer = replace(details.evaluation, predictions=details.evaluation.predictions[:-1])
    found = check(replace(CLEAN, scratch=replace(details, evaluation=fewer)), "Baseline tested")

    assert "not tested on the same images" in found.text


@pytest.mark.parametrize(("build", "warned"), [("mxnet", False), ("mxnet-cu112", True)])
def test_the_cpu_is_said_only_where_a_gpu_was_expected(build: str, warned: bool) -> None:
    environment = {build: "1.9.1", "device note": "there is no NVIDIA driver"}
    details = runs.example_details("finetune", 13, environment=environment)

    texts = [one.text for one in found_in(replace(CLEAN, finetune=details))]
    assert any("no GPU could be used: there is no" in text for text in texts) == warned


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("field", ["train_loss", "test_loss", "test_accuracy"])
def test_a_number_that_is_not_finite_is_a_problem(field: str, value: float) -> None:
    epochs = list(runs.example_epochs("finetune"))
    changed: dict[str, Any] = {field: value}
    epochs[2] = replace(epochs[2], **changed)
    details = runs.example_details("finetune", 13, epochs=tuple(epochs))
    found = check(replace(CLEAN, finetune=details), "Numbers")

    assert found.level == "bad"
    assert found.text.startswith("Fine-tune: the numbers of epoch 3 are not finite")


def test_finite_numbers_are_fine() -> None:
    assert check(CLEAN, "Numbers").text == "Every loss and accuracy of 42 epochs is a finite number."


def test_the_same_surroundings_as_before_are_fine() -> None:
    found = check(replace(CLEAN, previous=previous_cycle()), "Environment")

    assert (found.level, found.text) == ("good", "Versions, device and processor are those of cycle 6.")


def test_changed_surroundings_are_named_from_what_to_what() -> None:
    environment = {**runs.ENVIRONMENT, "mxnet": "1.9.2", "threads": "4"}
    details = runs.example_details("finetune", 13, environment=environment)
    found = check(replace(CLEAN, finetune=details, previous=previous_cycle()), "Environment changed")

    assert found.level == "look"
    assert found.text == (
        "Something else than the images has changed since cycle 6: mxnet from 1.9.1 to 1.9.2; "
        "threads from none to 4."
    )


def test_many_changes_of_the_surroundings_are_counted() -> None:
    details = runs.example_details("finetune", 13, environment={f"name {n}": "1" for n in range(4)})
    found = check(replace(CLEAN, finetune=details, previous=previous_cycle()), "Environment changed")

    assert found.text.endswith(" and 6 more.")


def test_a_first_cycle_has_no_surroundings_to_compare() -> None:
    assert not [one for one in found_in(CLEAN) if one.title.startswith("Environment")]
