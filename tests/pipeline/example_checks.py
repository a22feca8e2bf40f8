"""Cycles for the checks of the verdict box. The same bytes on each call."""

from dataclasses import replace

from pipeline.records import Calibration, Cycle, Findings, Novelty, RunDetails
from tests.pipeline import example_cycles as examples
from tests.pipeline import example_data as data
from tests.pipeline import example_runs as runs

CALIBRATION = Calibration(temperature=1.4, images=1600, log_loss_before=0.06, log_loss_after=0.05)
REPEATS = (0.984, 0.985, 0.9825, 0.986, 0.9835)  # a standard deviation of 0.14 points
NOVELTY = Novelty(images=200, novel=4, limit=0.3, distance=0.2, usual_distance=0.15, most_novel=())
STEADY = tuple(replace(epoch, test_accuracy=0.55, test_loss=0.7 + 0.01 * n)
               for n, epoch in enumerate(runs.example_epochs("scratch")))  # fmt: skip


def sure(details: RunDetails) -> RunDetails:
    """Return the run with probabilities that are as sure as it is right."""
    assert details.evaluation is not None
    share = details.evaluation.accuracy
    predictions = tuple(
        replace(
            p, probabilities=tuple(share if x == max(p.probabilities) else 1 - share for x in p.probabilities)
        )
        for p in details.evaluation.predictions
    )
    return replace(details, evaluation=replace(details.evaluation, predictions=predictions))


def with_findings(findings: Findings, **changes: object) -> Cycle:
    """Return the clean cycle with what its fine-tune found out about itself."""
    details = replace(sure(runs.example_details("finetune", 13)), findings=findings)
    return replace(CLEAN, finetune=details, **changes)  # type: ignore[arg-type]


CLEAN = examples.finished_cycle(
    snapshot=runs.example_snapshot(0),
    leaks=(),
    suspects=(),
    finetune=sure(runs.example_details("finetune", 13)),
    scratch=runs.example_details("scratch", 14, epochs=STEADY),
)


def previous_cycle(**changes: object) -> Cycle:
    """Return the cycle before, as a list has it: without predictions."""
    finetune, scratch = runs.example_run("finetune", 11), runs.example_run("scratch", 12)
    before = replace(CLEAN, id=6, finetune=RunDetails(finetune), scratch=RunDetails(scratch))
    return replace(before, **changes)  # type: ignore[arg-type]


def champion(wrong: int = 13) -> RunDetails:
    """Return the run that the fine-tune was compared with; the fine-tune is wrong on the first 6 images."""
    details = runs.example_details("finetune", 11)
    return replace(details, evaluation=runs.example_evaluation(wrong))


def compared_cycle() -> Cycle:
    """Return a cycle in which everything that can be checked is there."""
    findings = Findings(CALIBRATION, REPEATS, (), NOVELTY)
    return with_findings(
        findings,
        compared=champion(),
        previous=previous_cycle(),
        leaks=data.example_leaks(),
        suspects=data.example_suspects(),
        snapshot=runs.example_snapshot(3),
    )
