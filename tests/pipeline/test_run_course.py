"""What a run had seen and reached after how long."""

import math
from dataclasses import replace

import pytest

from pipeline.records import EpochMetrics, Run
from pipeline.run_course import (
    accuracy_after,
    epochs_by,
    epochs_within,
    passes,
    seconds_to,
    trained_seconds,
)
from tests.pipeline.example_runs import SCRATCH_SETTINGS, SETTINGS, example_run


def run_of(*accuracies: float, head: bool = False, seconds: float = 10.0) -> Run:
    epochs = tuple(
        EpochMetrics(n, "head" if head else "all layers", 0.5, 0.8, 1 / n, accuracy, seconds)
        for n, accuracy in enumerate(accuracies, 1)
    )
    run = example_run("scratch", 1, epochs=epochs, test_accuracy=None)
    return replace(run, settings=SETTINGS if head else SCRATCH_SETTINGS)


def test_each_epoch_of_all_layers_is_a_pass_over_the_images() -> None:
    run = run_of(0.5, 0.6, 0.7)
    assert (passes(run), epochs_within(run, 2)) == (3, 2)


def test_all_epochs_of_a_head_are_one_pass_over_the_images() -> None:
    run = run_of(0.5, 0.6, 0.7, head=True)
    assert (passes(run), epochs_within(run, 1)) == (1, 3)


@pytest.mark.parametrize(("budget", "epochs"), [(1, 2), (2, 3), (3, 4), (9, 4)])
def test_epochs_of_all_layers_after_those_of_a_head_are_each_one_more_pass(budget: int, epochs: int) -> None:
    head, layers = run_of(0.5, 0.6, head=True), run_of(0.5, 0.6, 0.7, 0.8)
    run = replace(head, epochs=(*head.epochs, *layers.epochs[2:]))
    assert (passes(run), epochs_within(run, budget)) == (3, epochs)


@pytest.mark.parametrize(("seconds", "epochs"), [(9.9, 0), (10, 1), (29.9, 2), (1000, 3)])
def test_an_epoch_counts_once_it_has_ended(seconds: float, epochs: int) -> None:
    assert epochs_by(run_of(0.5, 0.6, 0.7), seconds) == epochs


def test_a_run_finishes_all_its_epochs_in_its_own_time() -> None:
    run = run_of(*[0.5] * 30, seconds=0.1)
    assert epochs_by(run, trained_seconds(run)) == 30


@pytest.mark.parametrize(("accuracy", "seconds"), [(0.5, 10), (0.65, 30), (0.7, 30), (0.71, None)])
def test_an_accuracy_is_reached_when_the_first_such_epoch_ends(
    accuracy: float, seconds: float | None
) -> None:
    assert seconds_to(run_of(0.5, math.nan, 0.7, 0.6), accuracy) == seconds


def test_at_its_end_a_run_is_as_good_as_the_model_that_was_kept() -> None:
    run = replace(run_of(0.5, 0.9), test_accuracy=0.8)
    assert [found.value for n in (1, 2) if (found := accuracy_after(run, n))] == [0.5, 0.8]


def test_no_epoch_no_images_and_nan_have_no_accuracy() -> None:
    run = run_of(0.5, math.nan)
    assert accuracy_after(run, 0) is None
    assert accuracy_after(run, 2) is None
    assert accuracy_after(replace(run, test_images=0), 1) is None
