"""Fine-tuning and the baseline, given as much of each."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.budgets import BudgetRow, budget_rows, reached, still_improving
from pipeline.paired import compare
from pipeline.records import EpochMetrics, Run, RunDetails, RunKind
from tests.pipeline.example_runs import CLASSES, SCRATCH_SETTINGS, SETTINGS, example_evaluation, example_run

HEAD = (0.97, 0.98, 0.98)
FROM_SCRATCH = (0.52, 0.61, 0.7)


def run_of(
    kind: RunKind, accuracies: tuple[float, ...], seconds: tuple[float, ...], *, head: bool = False
) -> Run:
    """Return a run with 400 test images; its test loss falls by a tenth from epoch to epoch."""
    phase = "head" if head else "all layers"
    epochs = tuple(
        EpochMetrics(n, phase, 0.5, 0.8, 0.9**n, accuracy, time)
        for n, (accuracy, time) in enumerate(zip(accuracies, seconds, strict=True), 1)
    )
    run = example_run(kind, 1, epochs=epochs, test_accuracy=accuracies[-1] if accuracies else None)
    return replace(run, settings=SETTINGS if head else SCRATCH_SETTINGS)


def tuned_head(*, first: float = 90.0) -> Run:
    return run_of("finetune", HEAD, (first, 0.5, 0.5), head=True)


def baseline(*, each: float = 40.0, accuracies: tuple[float, ...] = FROM_SCRATCH) -> Run:
    return run_of("scratch", accuracies, (each,) * len(accuracies))


def rows(finetune: Run, scratch: Run) -> tuple[BudgetRow, ...]:
    return budget_rows(RunDetails(finetune), RunDetails(scratch), CLASSES)


def values(row: BudgetRow) -> tuple[float | None, ...]:
    return tuple(None if e is None else round(e.value, 4) for e in (row.finetune, row.scratch, row.gain))


# ---------------------------------------------------------------- budgets


def test_a_head_has_passed_over_the_images_once_so_the_baseline_gets_one_epoch() -> None:
    row = rows(tuned_head(), baseline())[0]
    assert row.name == "equal passes over the images"
    assert values(row) == (0.98, 0.52, 0.46)
    assert row.sentence.startswith(
        "after 1\N{NO-BREAK SPACE}pass over the training images each; the head's own"
    )


def test_the_epochs_of_an_earlier_baseline_are_said_to_have_their_own_test_images() -> None:
    earlier = replace(baseline(), cycle_id=4, test_images=300)
    own = "the baseline's epochs were tested in cycle 4, on its 300\N{NO-BREAK SPACE}test images"
    assert all(own in row.sentence for row in rows(tuned_head(), earlier))
    assert not any("were tested in cycle" in row.sentence for row in rows(tuned_head(), baseline()))


def test_where_all_layers_are_trained_the_shorter_run_sets_the_passes() -> None:
    finetune = run_of("finetune", (0.9, 0.95, 0.96, 0.97), (50.0,) * 4)
    assert values(rows(finetune, baseline())[0]) == (0.96, 0.7, 0.26)


@pytest.mark.parametrize(("each", "scratch"), [(91.0, 0.52), (45.0, 0.61), (1.0, 0.7)])
def test_at_equal_time_the_last_epoch_that_had_ended_counts(each: float, scratch: float) -> None:
    row = rows(tuned_head(), baseline(each=each))[1]
    assert values(row) == (0.98, scratch, round(0.98 - scratch, 4))
    assert ("all of its training" in row.sentence) == (each == 1.0)


def test_a_baseline_that_had_finished_no_epoch_in_that_time_gets_no_number() -> None:
    row = rows(tuned_head(first=20.0), baseline())[1]
    assert values(row) == (0.98, None, None)
    assert "still in its first epoch, which took 40.0\N{NO-BREAK SPACE}s" in row.sentence


def test_at_the_ends_the_same_images_are_compared_in_pairs() -> None:
    finetune = RunDetails(tuned_head(), example_evaluation(8))
    scratch = RunDetails(baseline(), example_evaluation(120))
    row = budget_rows(finetune, scratch, CLASSES)[2]
    paired = compare(example_evaluation(120), example_evaluation(8), CLASSES)
    assert paired is not None
    assert row.gain == paired.gain
    assert values(row) == (0.98, 0.7, 0.28)
    assert "the fine-tune trained for 1\N{NO-BREAK SPACE}min 31\N{NO-BREAK SPACE}s" in row.sentence
    assert "400\N{NO-BREAK SPACE}test images that both were given" in row.sentence


def test_without_the_answers_image_by_image_the_ends_are_compared_as_unpaired() -> None:
    row = rows(tuned_head(), baseline())[2]
    assert values(row) == (0.98, 0.7, 0.28)
    assert "takes the two as unpaired" in row.sentence


def test_a_run_against_itself_gains_nothing_at_any_budget() -> None:
    details = RunDetails(run_of("finetune", FROM_SCRATCH, (5.0,) * 3), example_evaluation(120))
    other = replace(details, run=replace(details.run, kind="scratch"))
    for row in budget_rows(details, other, CLASSES):
        assert row.gain is not None
        assert row.gain.low <= 0 == row.gain.value <= row.gain.high


def test_a_baseline_on_fewer_images_is_said_to_be_one() -> None:
    few = replace(baseline(), train_images=400)
    for row in rows(tuned_head(), few):
        assert "the fine-tune has 1,600\N{NO-BREAK SPACE}training images, the baseline 400" in row.sentence


def test_a_baseline_without_an_epoch_leaves_the_rows_empty_and_says_so() -> None:
    failed = replace(baseline(accuracies=()), status="failed")
    passes, time, ends = rows(tuned_head(), failed)
    assert passes.sentence == time.sentence == "the baseline finished no epoch"
    assert values(ends) == (0.98, None, None)
    assert "the training of the baseline: failed; the baseline has no test result there" in ends.sentence


def test_a_run_that_ended_in_nan_has_no_number_there() -> None:
    diverged = replace(baseline(accuracies=(0.6, math.nan)), status="failed", test_accuracy=None)
    assert values(rows(tuned_head(), diverged)[0])[1] == 0.6
    assert values(rows(tuned_head(), diverged)[2]) == (0.98, None, None)


# ---------------------------------------------------------------- time to reach


def test_the_time_to_an_accuracy_is_given_for_both() -> None:
    found = {row.accuracy: row for row in reached(tuned_head(), baseline())}
    assert set(found) == {0.6, 0.8, 0.9, 0.95, 0.98}
    assert (found[0.6].finetune_seconds, found[0.6].scratch_seconds) == (90, 80)
    assert (found[0.98].finetune_seconds, found[0.98].scratch_seconds) == (90.5, None)
    assert found[0.95].sentence.replace("\N{NO-BREAK SPACE}", " ") == (
        "fine-tune passed 95 % after 1 min 30 s, scratch had not after 2 min 00 s"
    )


def test_a_baseline_that_is_better_is_named_first() -> None:
    found = reached(baseline(), run_of("scratch", (0.99,), (3.0,)))
    assert found[-1].sentence.replace("\N{NO-BREAK SPACE}", " ") == (
        "scratch passed 99 % after 3.0 s, fine-tune had not after 2 min 00 s"
    )


def test_a_run_without_an_epoch_reached_nothing() -> None:
    assert "scratch finished no epoch" in reached(tuned_head(), baseline(accuracies=()))[0].sentence
    assert reached(baseline(accuracies=()), baseline(accuracies=(0.5,))) == ()


# ---------------------------------------------------------------- still improving


def with_course(losses: tuple[float, ...], accuracies: tuple[float, ...]) -> Run:
    epochs = tuple(
        EpochMetrics(n, "all layers", 0.5, 0.8, loss, accuracy, 1.0)
        for n, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), 1)
    )
    return example_run("scratch", 1, epochs=epochs)


@pytest.mark.parametrize(
    ("losses", "accuracies", "improving"),
    [
        ((), (), True),
        ((0.7,), (0.5,), True),
        ((0.7, 0.6), (0.5, 0.5), True),
        ((0.7, 0.699), (0.5, 0.5), False),
        ((0.7, 0.8), (0.5, 0.6), True),
        ((0.4, 0.7, 0.5), (0.6, 0.5, 0.6), False),
        ((0.4, math.nan), (0.6, 0.5), False),
        ((math.nan, 0.4), (0.5, 0.5), True),
        ((math.nan,), (0.5,), False),
    ],
)
def test_a_run_still_improves_if_its_last_epoch_is_its_best(
    losses: tuple[float, ...], accuracies: tuple[float, ...], improving: bool
) -> None:
    assert still_improving(with_course(losses, accuracies)) is improving


def test_a_course_that_has_levelled_off_does_not_improve() -> None:
    losses = tuple(0.3 + 0.4 * float(np.exp(-n)) for n in range(20))
    assert not still_improving(with_course(losses, (0.9,) * 20))
