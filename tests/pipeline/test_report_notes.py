from dataclasses import replace

import pytest

from pipeline.records import Cycle, Quarantined, RunDetails
from pipeline.report_notes import notes_of
from pipeline.report_words import NARROW
from tests.pipeline import example_cycles as examples
from tests.pipeline import example_runs as runs
from tests.pipeline.example_data import example_leaks

CLEAN = examples.finished_cycle(snapshot=runs.example_snapshot(0), leaks=())


def texts(cycle: Cycle) -> list[str]:
    return [note.text.replace(NARROW, " ") for note in notes_of(cycle)]


def scratch(**changes: object) -> RunDetails:
    return runs.example_details("scratch", 14, **changes)


def test_a_good_cycle_has_nothing_that_one_must_know() -> None:
    assert texts(CLEAN) == []


@pytest.mark.parametrize(
    ("number", "verb"), [(1, "1 file cannot be used and is"), (3, "3 files cannot be used and are")]
)
def test_files_in_quarantine_are_said_at_the_top(number: int, verb: str) -> None:
    cycle = replace(CLEAN, snapshot=runs.example_snapshot(number))

    assert texts(cycle) == [f"{verb} in quarantine, see Data."]


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 training image shows the same picture as a test image and was left out."),
                          (3, "3 training images show the same picture as a test image and were left out.")]
)  # fmt: skip
def test_leaks_are_a_warning_that_leads_to_their_section(number: int, words: str) -> None:
    (note,) = notes_of(replace(CLEAN, leaks=example_leaks()[:number]))

    assert (note.level, note.text.replace(NARROW, " "), note.section) == ("warning", words, "leaks")


def test_pictures_under_two_classes_are_not_said_to_be_unusable() -> None:
    assert CLEAN.snapshot is not None
    files = (Quarantined(b"a.jpg", "also under class 'dog'"), Quarantined(b"b.jpg", "not an image"))
    found = notes_of(replace(CLEAN, snapshot=replace(CLEAN.snapshot, quarantined=files)))

    assert [(note.text.replace(NARROW, " "), note.section) for note in found] == [
        ("1 file cannot be used and is in quarantine, see Data.", "data"),
        ("1 file shows a picture that is under two classes and is left out, see Data.", "data"),
    ]


def test_a_missing_baseline_is_said() -> None:
    assert "No baseline" in texts(replace(CLEAN, scratch=None))[0]


def test_a_baseline_that_is_used_again_names_its_run_and_its_images() -> None:
    used = replace(CLEAN, scratch=scratch(train_images=1500, cycle_id=4), scratch_reused=True)

    assert texts(used) == [
        "The baseline is run 14 of cycle 4, used again, not trained anew. "
        "It was trained on 1,500 images; this cycle has 1,600."
    ]


def test_a_baseline_on_a_part_of_the_images_is_said_with_its_setting() -> None:
    settings = dict(runs.example_run("scratch", 14).settings) | {"baseline_images": 400}
    part = replace(CLEAN, scratch=scratch(train_images=400, settings=settings))

    assert texts(part) == [
        "The baseline was trained on a part: 400 of 1,600 training images (setting baseline_images)."
    ]


def test_a_failed_baseline_of_a_finished_cycle_is_a_warning_with_its_error() -> None:
    cycle = replace(examples.cycle_with_a_failed_baseline(), snapshot=CLEAN.snapshot, leaks=())

    assert [(note.level, note.text) for note in notes_of(cycle)] == [
        ("warning", "From scratch: the run failed: the loss became nan in epoch 1; choose a smaller "
         "baseline_learning_rate")
    ]  # fmt: skip


def test_the_error_of_the_cycle_itself_is_not_said_twice() -> None:
    cut_off = examples.cycle_cut_off_in_its_baseline()

    assert texts(replace(cut_off, snapshot=CLEAN.snapshot, leaks=())) == []


def test_few_test_images_are_a_warning() -> None:
    small = RunDetails(runs.example_run("finetune", 13, test_images=20, test_accuracy=0.95))

    assert any(
        text.startswith("Only 20 test images: the true accuracy")
        for text in texts(replace(CLEAN, finetune=small))
    )


def test_runs_that_were_tested_on_other_images_are_a_warning() -> None:
    details = scratch()
    assert details.evaluation is not None
    fewer = replace(details.evaluation, predictions=details.evaluation.predictions[:-1])

    assert (
        "not tested on the same images"
        in texts(replace(CLEAN, scratch=replace(details, evaluation=fewer)))[0]
    )


@pytest.mark.parametrize(("build", "warned"), [("mxnet", False), ("mxnet-cu112", True)])
def test_the_cpu_is_a_warning_only_where_a_gpu_was_expected(build: str, warned: bool) -> None:
    environment = {build: "1.9.1", "device note": "there is no NVIDIA driver"}
    details = runs.example_details("finetune", 13, environment=environment)

    assert (
        any("no GPU could be used: there is no" in text for text in texts(replace(CLEAN, finetune=details)))
        == warned
    )
