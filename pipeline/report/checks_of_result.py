"""What a reader must know of a cycle's accuracy and its verdict before believing them."""

from collections.abc import Iterator
from statistics import stdev

from pipeline.calibration import calibrated, expected_calibration_error
from pipeline.compare import detectable_gain, images_for
from pipeline.paired import compare
from pipeline.records import Cycle, Evaluation, Findings
from pipeline.report.models import signed_points
from pipeline.report.scores import Score, score_of
from pipeline.report.verdict_check import Check, Level
from pipeline.report.words import counted, interval, points

FEW_TEST_IMAGES = 200
FAR_OFF = 0.05  # mean distance of what is said from what is right, of the probabilities


def checks_of_result(cycle: Cycle) -> Iterator[Check]:
    """Yield what is to be said of the fine-tuned model's test; nothing where it was not tested."""
    score = score_of(cycle.finetune)
    if score is None or cycle.finetune is None:
        return
    yield _test_size(score, cycle.verdict.margin if cycle.verdict else 0.0)
    yield from _against_chance(cycle, cycle.finetune.findings)
    if cycle.finetune.evaluation and cycle.snapshot:
        yield _probabilities(cycle.finetune.evaluation, cycle.snapshot.classes, cycle.finetune.findings)


def _test_size(score: Score, margin: float) -> Check:
    images = counted(score.images, "test image")
    if score.images < FEW_TEST_IMAGES:
        span = interval(score.low, score.high)
        text = f"Only {images}: the true accuracy may well be anywhere from {span}."
        return Check("bad", "Few test images", text, "data")
    least = detectable_gain(score.images)
    text = f"{images} can show a gain of {points(least)} or more"
    if not margin:
        return Check("good", "Test set", f"{text}.", "data")
    if least <= margin:
        text = f"{text}, which is enough for the margin of {points(margin)}."
        return Check("good", "Test set", text, "data")
    text = f"{text}; one as small as the margin of {points(margin)} needs {images_for(margin):,d} of them."
    return Check("look", "Test set small for the margin", text, "data")


def _against_chance(cycle: Cycle, findings: Findings) -> Iterator[Check]:
    if len(findings.repeats) < 2:
        return
    spread = stdev(findings.repeats)
    repeats = (
        f"fitted on {len(findings.repeats)} resamples of the training images, "
        f"its accuracy scatters by {points(spread)} (standard deviation)"
    )
    gain = _gain(cycle)
    if gain is None:
        yield Check("good", "Luck of the training images", f"The model was {repeats}.", "runs")
        return
    difference = f"The difference from the champion, {signed_points(gain)}, is"
    if abs(gain) <= 2 * spread:
        yield Check("look", "Within chance", f"{difference} within what luck does: {repeats}.", "champion")
    else:
        text = f"{difference} more than what luck does: {repeats}."
        yield Check("good" if gain > 0 else "bad", "Beyond chance", text, "champion")


def _gain(cycle: Cycle) -> float | None:
    """Return the gain in accuracy over the champion on the shared test images; None if there is none."""
    before = cycle.compared.evaluation if cycle.compared else None
    after = cycle.finetune.evaluation if cycle.finetune else None
    if before is None or after is None or cycle.snapshot is None:
        return None
    comparison = compare(before, after, cycle.snapshot.classes)
    return None if comparison is None else comparison.gain.value


def _probabilities(evaluation: Evaluation, classes: tuple[str, ...], findings: Findings) -> Check:
    raw = expected_calibration_error(evaluation, classes)
    missed = "How sure the model says it is misses how often it is right by {} on average".format
    if findings.calibration is None:
        text = f"{missed(points(raw))}; nothing was there to correct that by."
        return Check(_how_far(raw), "Probabilities", text, "calibration")
    after = expected_calibration_error(calibrated(evaluation, findings.temperature), classes)
    text = f"{missed(points(after))}; before its correction it was {points(raw)}."
    return Check(_how_far(after), "Probabilities", text, "calibration")


def _how_far(off: float) -> Level:
    return "look" if off > FAR_OFF else "good"
