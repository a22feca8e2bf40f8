from dataclasses import replace
from math import nan

from pipeline.learning_curves import learning_curves
from pipeline.report.words import NARROW
from tests.pipeline import example_runs as runs

FINETUNE = runs.example_run("finetune", 1)
SCRATCH = runs.example_run("scratch", 2)


def findings(*runs: object) -> list[str]:
    return [panel.finding.replace(NARROW, " ") for panel in learning_curves(runs)]  # type: ignore[arg-type]


def test_accuracy_and_loss_are_drawn_by_time_and_by_epoch() -> None:
    panels = learning_curves([FINETUNE, SCRATCH])

    assert [panel.name for panel in panels] == [
        "accuracy-time",
        "accuracy-epochs",
        "loss-time",
        "loss-epochs",
    ]
    assert all(panel.svg and panel.finding in panel.svg for panel in panels)


def test_the_finding_says_where_the_longer_run_stood_when_the_shorter_was_done() -> None:
    assert findings(FINETUNE, SCRATCH)[0] == (
        "Fine-tune was done after 1 min 38 s, at 98.5 %. "
        "From scratch was still in its first epoch by then, and at 55.0 % after 9 min 49 s."
    )


def test_a_longer_run_with_finished_epochs_is_named_with_the_accuracy_of_that_instant() -> None:
    slow = tuple(replace(epoch, seconds=8.0) for epoch in FINETUNE.epochs)
    finding = findings(replace(FINETUNE, epochs=slow), SCRATCH)[0]

    assert finding.startswith("Fine-tune was done after 5 min 12 s")
    assert "From scratch was at 51." in finding


def test_one_run_alone_and_one_epoch_alone_have_findings_too() -> None:
    one = replace(SCRATCH, epochs=SCRATCH.epochs[:1])

    assert len(findings(FINETUNE)) == 4
    assert findings(one)[1] == "From scratch: 51.2 % after epoch 1."


def test_runs_without_an_epoch_leave_empty_panels() -> None:
    panels = learning_curves([replace(FINETUNE, epochs=())])

    assert {(panel.finding, panel.svg) for panel in panels} == {("No epoch was finished.", None)}


def test_numbers_that_are_not_finite_have_a_finding_and_no_drawing() -> None:
    broken = tuple(replace(epoch, train_loss=nan) for epoch in SCRATCH.epochs)
    panels = learning_curves([replace(SCRATCH, epochs=broken)])

    assert [panel.svg is None for panel in panels] == [False, False, True, True]
    assert "not finite" in panels[2].finding
