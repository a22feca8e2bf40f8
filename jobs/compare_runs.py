"""Compare any two runs on the test images that both were tested on."""

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from db import store
from db.session import open_read_only
from jobs.home import Home
from pipeline.calibration import calibrated
from pipeline.errors import NothingToCompare
from pipeline.intervals import wilson_interval
from pipeline.paired import Comparison, Estimate, compare
from pipeline.publish import write_whole
from pipeline.records import Evaluation, RunDetails
from pipeline.report.compare_page import render_comparison
from pipeline.shared_images import on_shared_images


@dataclass(frozen=True)
class Scored:
    """A run on the shared images."""

    details: RunDetails  # its evaluation has only the shared images, and raw probabilities
    accuracy: Estimate
    log_loss: float  # of the calibrated probabilities, nats


@dataclass(frozen=True)
class Compared:
    """Two runs on the images that they share."""

    before: Scored
    after: Scored
    comparison: Comparison  # of the calibrated probabilities
    left_out: int  # test images that only one of the two was tested on
    page: Path


def compare_runs(home: Home, before_id: int, after_id: int) -> Compared:
    """Compare two runs and write the page that shows it.

    Both are compared on the test images of the newer run. One that was not tested on these takes part with
    its own, as far as they are the same images.

    Raises:
        NoSuchRecord: there is no such run.
        NothingToCompare: they have other classes, no evaluation, or no test image in common.
    """
    with open_read_only(home.records)() as session:
        classes = _shared_classes(session, before_id, after_id)
        before, after, left_out = _load(session, before_id, after_id, classes)
        comparison = compare(_calibrated(before, classes), _calibrated(after, classes), classes)
        assert comparison is not None, "there are shared images"
        turned = [*comparison.broken, *comparison.fixed]
        thumbnails = store.load_thumbnails(session, turned, len(turned))
    page = home.reports / f"compare-{before_id}-{after_id}.html"
    write_whole(page, render_comparison(before, after, classes, thumbnails).encode())
    return Compared(_scored(before, classes), _scored(after, classes), comparison, left_out, page)


def _shared_classes(session: Session, before_id: int, after_id: int) -> tuple[str, ...]:
    (_, before), (_, after) = (store.tested_on(session, run_id) for run_id in (before_id, after_id))
    if before != after:
        raise NothingToCompare(
            f"runs {before_id} and {after_id} tell different classes apart"
            f" ({', '.join(before)}; {', '.join(after)}), so they cannot be compared"
        )
    return after


def _load(
    session: Session, before_id: int, after_id: int, classes: tuple[str, ...]
) -> tuple[RunDetails, RunDetails, int]:
    """Return both runs with their evaluations on the shared images, and how many were left out."""
    snapshot_id, _ = store.tested_on(session, max(before_id, after_id))
    before, after = (_run(session, run_id, snapshot_id) for run_id in (before_id, after_id))
    one, other = _evaluation(before), _evaluation(after)
    both = on_shared_images(one, other, one if before_id > after_id else other, classes)
    if both is None:
        raise NothingToCompare(
            f"runs {before_id} and {after_id} have no test image in common, so they cannot be compared"
        )
    tested = {prediction.sha256 for e in (one, other) for prediction in e.predictions}
    left_out = len(tested) - len(both[0].predictions)
    return replace(before, evaluation=both[0]), replace(after, evaluation=both[1]), left_out


def _run(session: Session, run_id: int, snapshot_id: int) -> RunDetails:
    """Return a run with its evaluation on the snapshot, else with that on the snapshot of its own cycle."""
    details = store.load_run_on(session, run_id, snapshot_id)
    return details if details.evaluation else store.load_run(session, run_id)


def _evaluation(details: RunDetails) -> Evaluation:
    if details.evaluation is None:
        raise NothingToCompare(
            f"run {details.run.id} was not tested (it is {details.run.status}), or its answers about single "
            "images are gone by now (see keep_answers); `cli.py runs` lists the runs"
        )
    return details.evaluation


def _calibrated(details: RunDetails, classes: tuple[str, ...]) -> Evaluation:
    return calibrated(_evaluation(details), details.findings.temperature, classes)


def _scored(details: RunDetails, classes: tuple[str, ...]) -> Scored:
    evaluation = _calibrated(details, classes)
    images = len(evaluation.predictions)
    low, high = wilson_interval(round(evaluation.accuracy * images), images)
    return Scored(details, Estimate(evaluation.accuracy, low, high), evaluation.log_loss)
