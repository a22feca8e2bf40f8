"""Is the new model better than the champion? A paired test on the same test images, and a stated margin."""

from collections.abc import Sequence
from math import ceil, inf

from pipeline.paired import Comparison, Estimate, compare
from pipeline.records import Decision, Evaluation, Verdict

SIGNIFICANCE = 0.05
LOG_LOSS_MARGIN = 0.01  # nats; the probabilities are worse if the log loss has surely risen by more
LEAST_DISCORDANT = 6  # images that differ, all in favour of one side, for p < SIGNIFICANCE: 2 * 0.5**6


def verdict(
    champion: Evaluation | None, challenger: Evaluation, classes: Sequence[str], *, margin: float = 0.001
) -> Verdict:
    """Decide whether the challenger replaces the champion.

    promote: it is shown to be right more often, by the margin or more, and its probabilities are not worse.
    reject: it is shown to be right less often; or its accuracy is not shown to differ, and its probabilities
    are clearly worse. hold: everything else.

    Args:
        champion: of the model in force; None if there is none that knows these classes.
        challenger: of the new model, on the same images. Both with calibrated probabilities.
        classes: in the order of the probabilities.
        margin: the least gain in accuracy for which the champion is replaced, 0..1.
    """
    if champion is None:
        return Verdict("first", "the first model for these classes, so there is nothing to compare it with")
    comparison = compare(champion, challenger, classes)
    if comparison is None:
        return Verdict("hold", "no test image was given to both, so they cannot be compared", margin)
    decision, why = _decide(comparison, margin)
    return Verdict(decision, f"{why}: {_numbers(comparison)}", margin)


def detectable_gain(images: int) -> float:
    """Return the least gain in accuracy that so many test images can show at all; infinite below 6 images."""
    return LEAST_DISCORDANT / images if images >= LEAST_DISCORDANT else inf


def images_for(margin: float) -> int:
    """Return how many test images it takes to show a gain as small as the margin (above 0)."""
    if margin <= 0:
        raise ValueError(f"no number of images shows a gain of {margin}")
    # The quotient may miss a whole number by its last digit.
    return max(LEAST_DISCORDANT, ceil(LEAST_DISCORDANT / margin * (1 - 1e-12)))


def _decide(comparison: Comparison, margin: float) -> tuple[Decision, str]:
    gain = comparison.gain.value
    told_apart = comparison.p_value < SIGNIFICANCE
    change = comparison.log_loss_change
    worse_loss = f"its probabilities are worse (log loss {_with_interval(change, 3, 'nats')})"
    is_worse_loss = change.low > LOG_LOSS_MARGIN
    if told_apart and gain < 0:
        return "reject", "worse than the champion"
    if not told_apart:
        if is_worse_loss:
            return "reject", f"the accuracy shows no difference from the champion, but {worse_loss}"
        return "hold", "the test images show no difference from the champion"
    if gain < margin:
        return "hold", f"better than the champion, but by less than the margin of {100 * margin:g} points"
    if is_worse_loss:
        return "hold", f"more often right than the champion, but {worse_loss}"
    return "promote", "better than the champion"


def _numbers(comparison: Comparison) -> str:
    gain = comparison.gain
    points = Estimate(100 * gain.value, 100 * gain.low, 100 * gain.high)
    return (
        f"of {comparison.images:,} test images it newly gets {len(comparison.fixed):,} right and "
        f"{len(comparison.broken):,} wrong (p = {comparison.p_value:.2g}), "
        f"which changes the accuracy by {_with_interval(points, 2, 'percentage points')}"
    )


def _with_interval(estimate: Estimate, digits: int, unit: str) -> str:
    value, low, high = (_signed(v, digits) for v in (estimate.value, estimate.low, estimate.high))
    return f"{value} {unit}, 95 % interval {low} to {high}"


def _signed(value: float, digits: int) -> str:
    """Return a number with its sign; what rounds to 0 has none."""
    return f"{value:+.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"
