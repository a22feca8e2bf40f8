"""What the section on the champion shows: the new model against it, image by image."""

from dataclasses import dataclass

from markupsafe import Markup

from pipeline.evaluation_tables import correct_and_total
from pipeline.paired import Comparison, Estimate, compare
from pipeline.records import Cycle, Evaluation
from pipeline.report.luck import luck_of
from pipeline.report.models import (
    Model,
    gain_with_interval,
    model_of,
    share_with_interval,
    signed,
    signed_points,
)
from pipeline.report.plots_intervals import Interval, Mark, intervals_plot
from pipeline.report.words import NOTHING, counted, decimal, points
from pipeline.shared_images import on_shared_images
from pipeline.shares import share

LOG_LOSS_DIGITS = 4


@dataclass(frozen=True)
class VersusRow:
    """One measure of both models and its change."""

    name: str
    before: str
    after: str
    change: str


@dataclass(frozen=True)
class Versus:
    """The new model against the champion on the same test images."""

    champion: str
    challenger: str
    sentence: str
    noise: str  # a sentence; empty if nothing is known
    rows: tuple[VersusRow, ...]
    plot: Markup | None
    plotted: tuple[tuple[str, str], ...]  # what the plot shows, as text


def comparison_of(cycle: Cycle, models: tuple[Model, ...]) -> Comparison | None:
    """Compare the fine-tune with the champion; None if there was none, or no test image is shared."""
    before, after = model_of(models, "champion"), model_of(models, "finetune")
    if before is None or after is None or cycle.snapshot is None:
        return None
    return compare(before.evaluation, after.evaluation, cycle.snapshot.classes)


def versus_of(cycle: Cycle, models: tuple[Model, ...], comparison: Comparison | None) -> Versus | None:
    """Work out the section; None if there is nothing to compare."""
    before, after = model_of(models, "champion"), model_of(models, "finetune")
    if before is None or after is None or comparison is None or cycle.snapshot is None:
        return None
    margin = cycle.verdict.margin if cycle.verdict else 0.0
    repeats = after.details.findings.repeats
    chance = luck_of(repeats)
    sentence = _sentence(comparison)
    return Versus(
        champion=before.name,
        challenger=after.name,
        sentence=sentence,
        noise=_noise(chance, len(repeats)),
        rows=_rows(before, after, comparison, cycle.snapshot.classes),
        plot=_plot(sentence, comparison.gain, margin, chance),
        plotted=_plotted(comparison.gain, margin, chance),
    )


def _sentence(comparison: Comparison) -> str:
    return (
        f"On the same {counted(comparison.images, 'test image')} the new model is newly right on "
        f"{len(comparison.fixed):,d} and newly wrong on {len(comparison.broken):,d} (exact McNemar test: "
        f"p = {comparison.p_value:.2g}): {gain_with_interval(comparison.gain)} of accuracy."
    )


def _noise(chance: float | None, repeats: int) -> str:
    if chance is None:
        return ""
    return (
        f"heads fitted on {repeats} resamples of the training images scatter so that a difference of "
        f"{points(chance)} (two standard deviations of a difference) can be luck."
    )


def _rows(
    before: Model, after: Model, comparison: Comparison, classes: tuple[str, ...]
) -> tuple[VersusRow, ...]:
    shared = on_shared_images(before.evaluation, after.evaluation, after.evaluation, classes)
    assert shared is not None, "a comparison has images"
    was, now = shared
    turned = f"{len(comparison.fixed):,d} newly right, {len(comparison.broken):,d} newly wrong"
    return (
        VersusRow(
            "Accuracy, 95 % interval", _accuracy(was), _accuracy(now), gain_with_interval(comparison.gain)
        ),
        VersusRow("Images right", _right(was), _right(now), turned),
        VersusRow("Exact McNemar test", NOTHING, NOTHING, f"p = {comparison.p_value:.2g}"),
        VersusRow(
            "Log loss, calibrated",
            decimal(was.log_loss, LOG_LOSS_DIGITS),
            decimal(now.log_loss, LOG_LOSS_DIGITS),
            _loss_change(comparison.log_loss_change),
        ),
        VersusRow("Temperature", _temperature(before), _temperature(after), NOTHING),
    )


def _temperature(model: Model) -> str:
    return decimal(model.details.findings.temperature, 3)


def _accuracy(evaluation: Evaluation) -> str:
    return share_with_interval(share(*correct_and_total(evaluation)))


def _right(evaluation: Evaluation) -> str:
    right, total = correct_and_total(evaluation)
    return f"{right:,d} of {total:,d}"


def _loss_change(change: Estimate) -> str:
    value, low, high = (signed(one, LOG_LOSS_DIGITS) for one in (change.value, change.low, change.high))
    return f"{value} ({low} to {high})"


def _plot(sentence: str, gain: Estimate, margin: float, chance: float | None) -> Markup | None:
    rows = [("Gain", [Interval("finetune", gain.value, gain.low, gain.high)])]
    if chance is not None:
        rows.append(("Luck", [Interval(None, None, -chance, chance)]))
    marks = [Mark(0.0, "No difference"), *([Mark(margin, "Margin", dashed=True)] if margin else [])]
    return intervals_plot("gain", f"Gain over the champion. {sentence}", rows, marks, points=True)


def _plotted(gain: Estimate, margin: float, chance: float | None) -> tuple[tuple[str, str], ...]:
    rows = [("Gain, 95 % interval", gain_with_interval(gain)), ("Margin", signed_points(margin))]
    if chance is not None:
        rows.append(("Luck of the training images", f"up to {points(chance)} either way"))
    return tuple(rows)
