from dataclasses import replace
from math import log

from pipeline.records import Calibration, Findings
from pipeline.report.comparison import environment_rows, run_rows, setting_rows
from pipeline.report.words import NARROW, NOTHING
from tests.pipeline.example_runs import CLASSES, example_details, last_stage_epochs, thorough_run

FINETUNE, SCRATCH = example_details("finetune", 13), example_details("scratch", 14)


def facts(*changes: dict[str, object]) -> dict[str, list[str]]:
    details = [replace(FINETUNE, run=replace(FINETUNE.run, **change)) for change in changes]  # type: ignore[arg-type]
    return {row.name: [cell.replace(NARROW, " ") for cell in row.cells] for row in run_rows(details, CLASSES)}


def test_the_passes_of_a_head_are_not_counted_as_images_through_the_network() -> None:
    assert facts({})["Given: training images through the network"] == ["1,600 (each once)"]


def test_the_passes_of_all_layers_after_a_head_are_over_the_images_that_are_not_held_out() -> None:
    run = thorough_run()
    given = facts({"epochs": run.epochs, "settings": run.settings})
    assert given["Given: training images through the network"] == [
        "1,600 (each once), then 3 times the 80 % that are not held out"
    ]
    assert given["Given: epochs"] == ["20 passes over the stored features, 3 passes over the images"]


def test_a_last_stage_is_counted_by_its_own_passes() -> None:
    assert facts({"epochs": last_stage_epochs()})["Given: epochs"] == [
        "20 passes over the stored features, 3 passes of the last stage over stored activations"
    ]


def test_a_run_without_an_epoch_claims_no_images() -> None:
    given = facts({"epochs": ()}, {})

    assert given["Given: training images through the network"][0] == NOTHING
    assert given["Given: epochs"][0] == "none finished"


def test_a_fact_that_no_run_has_gets_no_row() -> None:
    assert "Error" not in facts({}, {})
    assert facts({}, {"error": "out of memory"})["Error"] == [NOTHING, "out of memory"]


def test_the_calibrated_log_loss_is_known_where_a_class_has_no_test_image() -> None:
    assert FINETUNE.evaluation is not None
    cats = tuple(p for p in FINETUNE.evaluation.predictions if p.label == "cat")
    calibration = Calibration(temperature=2.0, images=100, log_loss_before=0.2, log_loss_after=0.1)
    details = replace(
        FINETUNE,
        evaluation=replace(FINETUNE.evaluation, predictions=cats),
        findings=Findings(calibration=calibration),
    )
    (row,) = (row for row in run_rows([details], CLASSES) if row.name == "Log loss, calibrated")

    # The images are cats, so the expected value needs no class names.
    roots = [[probability**0.5 for probability in p.probabilities] for p in cats]
    expected = -sum(log(one[0] / sum(one)) for one in roots) / len(roots)
    assert row.cells == (f"{expected:.4f}",)


def test_settings_are_the_union_of_both_runs_with_their_differences_marked() -> None:
    nested = replace(FINETUNE, run=replace(FINETUNE.run, settings={"a": {"b": [1, 2], "c": None}, "d": True}))
    other = replace(SCRATCH, run=replace(SCRATCH.run, settings={"d": True, "e": {}}))

    assert [(row.name, row.cells, row.differs) for row in setting_rows([nested, other])] == [
        ("a.b", ("1, 2", NOTHING), True),
        ("a.c", (NOTHING, NOTHING), False),
        ("d", ("yes", "yes"), False),
        ("e", (NOTHING, NOTHING), False),
    ]


def test_the_same_environment_differs_in_nothing() -> None:
    assert not any(row.differs for row in environment_rows([FINETUNE, SCRATCH]))
