"""The page of two runs."""

from dataclasses import replace

import pytest

from pipeline.records import RunDetails, SnapshotSummary
from pipeline.report.compare_page import render_comparison
from tests.pipeline import example_runs as runs
from tests.pipeline.example_complete import complete_cycle
from tests.pipeline.page_text import text_of


@pytest.fixture
def both() -> tuple[RunDetails, RunDetails, SnapshotSummary]:
    cycle = complete_cycle()
    assert cycle.compared and cycle.finetune and cycle.snapshot
    return cycle.compared, cycle.finetune, cycle.snapshot


def test_it_says_which_is_better_by_how_much_and_how_sure_that_is(
    both: tuple[RunDetails, RunDetails, SnapshotSummary],
) -> None:
    before, after, snapshot = both
    text = text_of(render_comparison(before, after, snapshot.classes, {}))

    assert "Run 13 against run 11" in text
    assert (
        "The test images show no difference: of 400 shared test images run 13 gets 8 newly right and 3 newly "
        "wrong (exact McNemar test: p = 0.23)" in text
    )
    assert "Right only by run 13: 8 images" in text
    assert "Right only by run 11: 3 images" in text


def test_the_other_way_round_the_counts_change_places(
    both: tuple[RunDetails, RunDetails, SnapshotSummary],
) -> None:
    after, before, snapshot = both
    text = text_of(render_comparison(before, after, snapshot.classes, {}))

    assert "run 11 gets 3 newly right and 8 newly wrong" in text


def test_the_same_runs_give_the_same_bytes(both: tuple[RunDetails, RunDetails, SnapshotSummary]) -> None:
    before, after, snapshot = both
    assert render_comparison(before, after, snapshot.classes, {}) == render_comparison(
        before, after, snapshot.classes, {}
    )


def test_a_run_that_failed_before_its_test_has_a_page_too(
    both: tuple[RunDetails, RunDetails, SnapshotSummary],
) -> None:
    before, after, snapshot = both
    failed = replace(
        after, run=runs.example_run("finetune", 13, status="failed", test_accuracy=None), evaluation=None
    )
    text = text_of(render_comparison(before, failed, snapshot.classes, {}))

    assert "No test image was given to both runs, so their accuracies cannot be compared." in text
