from collections.abc import Mapping
from dataclasses import replace

import pytest

from pipeline.records import Cycle, Findings, Novelty, Quarantined, SnapshotSummary
from pipeline.report.checks_of_data import checks_of_data
from pipeline.report.verdict_check import Check
from pipeline.report.words import NARROW
from tests.pipeline import example_runs as runs
from tests.pipeline.example_checks import CALIBRATION, CLEAN, NOVELTY, previous_cycle, with_findings
from tests.pipeline.example_data import example_leaks, example_suspects


def check(cycle: Cycle, *titles: str) -> Check:
    (found,) = (one for one in checks_of_data(cycle) if one.title in titles)
    return replace(found, text=found.text.replace(NARROW, " "))


def summary(cats: int, test_cats: int = 200) -> SnapshotSummary:
    counts: Mapping[str, Mapping[str, int]] = {
        "train": {"cat": cats, "dog": 1600 - cats},
        "test": {"cat": test_cats, "dog": 400 - test_cats},
    }
    return replace(runs.example_snapshot(0), counts=counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 training image shows the same picture as a test image and was left out."),
                          (3, "3 training images show the same picture as a test image and were left out.")]
)  # fmt: skip
def test_leaks_are_to_be_looked_at_and_lead_to_their_section(number: int, words: str) -> None:
    found = check(replace(CLEAN, leaks=example_leaks()[:number]), "Leaks")

    assert (found.level, found.text, found.section) == ("look", words, "leaks")


@pytest.mark.parametrize(
    ("number", "verb"), [(1, "1 file cannot be used and is"), (3, "3 files cannot be used and are")]
)
def test_files_in_quarantine_are_said(number: int, verb: str) -> None:
    found = check(replace(CLEAN, snapshot=runs.example_snapshot(number)), "Quarantine")

    assert (found.level, found.text) == ("look", f"{verb} in quarantine.")


@pytest.mark.parametrize(
    ("before", "now", "title", "words"),
    [
        (1, 3, "Quarantine grew", "3 files cannot be used and are in quarantine, 2 more than in cycle 6."),
        (5, 3, "Quarantine", "3 files cannot be used and are in quarantine, 2 fewer than in cycle 6."),
        (3, 3, "Quarantine", "3 files cannot be used and are in quarantine, as many as in cycle 6."),
        (2, 0, "Quarantine", "No file had to be left out as unusable; in cycle 6 it was 2."),
    ],
)
def test_quarantine_is_held_against_the_cycle_before(before: int, now: int, title: str, words: str) -> None:
    previous = previous_cycle(snapshot=runs.example_snapshot(before))
    found = check(
        replace(CLEAN, snapshot=runs.example_snapshot(now), previous=previous),
        "Quarantine",
        "Quarantine grew",
    )

    assert (found.title, found.text) == (title, words)


def test_a_folder_of_which_a_tenth_cannot_be_used_is_a_problem() -> None:
    assert check(replace(CLEAN, snapshot=runs.example_snapshot(250)), "Quarantine").level == "bad"


def test_pictures_under_two_classes_are_not_said_to_be_unusable() -> None:
    assert CLEAN.snapshot is not None
    files = (Quarantined(b"a.jpg", "also under class 'dog'"), Quarantined(b"b.jpg", "not an image"))
    cycle = replace(CLEAN, snapshot=replace(CLEAN.snapshot, quarantined=files))

    assert check(cycle, "Quarantine").text == "1 file cannot be used and is in quarantine."
    assert (
        check(cycle, "Two classes").text
        == "1 file shows a picture that is under two classes and is left out."
    )


@pytest.mark.parametrize(("cats", "level"), [(800, "good"), (900, "good"), (1000, "look"), (500, "look")])
def test_a_class_shift_is_a_change_of_a_share_by_more_than_ten_points(cats: int, level: str) -> None:
    found = check(
        replace(CLEAN, snapshot=summary(cats), previous=previous_cycle()), "Class balance", "Class shift"
    )

    assert found.level == level


def test_a_class_shift_says_which_share_went_where() -> None:
    cycle = replace(CLEAN, snapshot=summary(1000, test_cats=300), previous=previous_cycle())

    assert check(cycle, "Class shift").text == (
        "Since cycle 6 the classes have shifted: “cat” went from 50.0 % to 62.5 % of the training images; "
        "“dog” went from 50.0 % to 37.5 % of the training images; "
        "“cat” went from 50.0 % to 75.0 % of the test images; "
        "“dog” went from 50.0 % to 25.0 % of the test images."
    )


def test_classes_that_stayed_are_said_to_be_as_before() -> None:
    found = check(replace(CLEAN, previous=previous_cycle()), "Class balance")

    assert found.text == "The commonest class, “cat”, has 50.0 % of the training images, about as before."


def test_one_class_with_nearly_all_images_is_to_be_looked_at() -> None:
    found = check(replace(CLEAN, snapshot=summary(1400)), "Class balance")

    assert (found.level, found.text[:36]) == ("look", "87.5 % of the training images are “c")


@pytest.mark.parametrize(("number", "level"), [(1, "look"), (80, "look"), (81, "bad")])
def test_many_suspicious_labels_are_a_problem(number: int, level: str) -> None:
    assert check(replace(CLEAN, suspects=example_suspects(number)), "Labels").level == level


def test_labels_are_only_called_good_where_they_were_looked_at() -> None:
    titles = [one.title for one in checks_of_data(CLEAN)]

    assert "Labels" not in titles
    assert check(with_findings(Findings(CALIBRATION)), "Labels").level == "good"


@pytest.mark.parametrize(("novel", "level"), [(0, "good"), (10, "good"), (11, "look"), (200, "look")])
def test_new_images_unlike_all_earlier_ones_are_to_be_looked_at(novel: int, level: str) -> None:
    novelty = replace(NOVELTY, novel=novel)
    assert check(with_findings(Findings(novelty=novelty)), "Novelty").level == level


def test_novelty_says_what_would_be_usual() -> None:
    assert check(with_findings(Findings(novelty=NOVELTY)), "Novelty").text == (
        "4 of 200 new training images (2.0 %) look unlike all earlier ones; "
        "of images like the earlier ones it would be about 1 %."
    )


def test_a_single_novel_image_among_few_is_no_trend() -> None:
    novelty = Novelty(3, 1, 0.3, 0.2, 0.1, ())

    assert check(with_findings(Findings(novelty=novelty)), "Novelty").level == "good"
