"""What a reader must know of a cycle's accuracy and its verdict before believing them."""

from collections.abc import Iterator
from statistics import stdev

from pipeline.calibration import calibrated, expected_calibration_error
from pipeline.compare import SIGNIFICANCE, detectable_gain, images_for
from pipeline.paired import Comparison, compare
from pipeline.records import Cycle, Evaluation, Findings
from pipeline.report.luck import luck_of
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
    yield from _left_out(cycle)
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


def _left_out(cycle: Cycle) -> Iterator[Check]:
    both = _evaluations(cycle)
    if both is None:
        return
    before, after = both
    shared = {one.sha256 for one in after.predictions} & {one.sha256 for one in before.predictions}
    missing = len(after.predictions) - len(shared)
    if missing:
        text = (
            f"{counted(missing, 'test image')} of {len(after.predictions):,d} took no part in the "
            "comparison: the champion was trained on them, before they were moved, or could not read them."
        )
        yield Check("look", "Images of the comparison", text, "champion")


def _against_chance(cycle: Cycle, findings: Findings) -> Iterator[Check]:
    luck = luck_of(findings.repeats)
    if luck is None:
        return
    repeats = (
        f"fitted on {len(findings.repeats)} resamples of the training images, "
        f"its accuracy scatters by {points(stdev(findings.repeats))} (standard deviation)"
    )
    comparison = _comparison(cycle)
    if comparison is None:
        yield Check("good", "Luck of the training images", f"The model was {repeats}.", "runs")
        return
    yield _of_difference(comparison, luck, repeats)


def _of_difference(comparison: Comparison, luck: float, repeats: str) -> Check:
    """Hold the difference against both sorts of luck: that of the training and that of the test images."""
    gain = comparison.gain.value
    difference = f"The difference from the champion, {signed_points(gain)}, is"
    if abs(gain) <= luck:
        return Check("look", "Within chance", f"{difference} within what luck does: {repeats}.", "champion")
    if comparison.p_value >= SIGNIFICANCE:
        text = (
            f"{difference} within what the luck of the test images does (p = {comparison.p_value:.2g}), "
            f"though more than that of the training images does: {repeats}."
        )
        return Check("look", "Within chance", text, "champion")
    text = f"{difference} more than what luck does: {repeats}."
    return Check("good" if gain > 0 else "bad", "Beyond chance", text, "champion")


def _comparison(cycle: Cycle) -> Comparison | None:
    """Compare with the champion on the shared test images; None if there is none."""
    both = _evaluations(cycle)
    return compare(*both, cycle.snapshot.classes) if both and cycle.snapshot else None


def _evaluations(cycle: Cycle) -> tuple[Evaluation, Evaluation] | None:
    """Return what the champion and the fine-tune said of the test images; None if either was not tested."""
    before = cycle.compared.evaluation if cycle.compared else None
    after = cycle.finetune.evaluation if cycle.finetune else None
    return None if before is None or after is None else (before, after)


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
