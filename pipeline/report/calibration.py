"""What the section on calibration shows: whether a model is right as often as it says it is."""

from dataclasses import dataclass

from markupsafe import Markup

from pipeline.calibration import Bin, expected_calibration_error, reliability
from pipeline.records import Calibration, RunDetails
from pipeline.report.models import Model, model_of
from pipeline.report.plots_reliability import Bin as PlottedBin
from pipeline.report.plots_reliability import reliability_plot
from pipeline.report.words import counted, decimal, points


@dataclass(frozen=True)
class Calibrated:
    """The fine-tune's probabilities before and after its temperature."""

    sentence: str
    fitted: str  # what the temperature is and where it comes from
    errors: tuple[tuple[str, str, str], ...]  # model, expected calibration error before and after
    bins: tuple[Bin, ...]  # as the page shows the probabilities
    plot: Markup | None


def calibration_of(models: tuple[Model, ...], classes: tuple[str, ...]) -> Calibrated | None:
    """Work out the section; None if the fine-tune was not tested."""
    model = model_of(models, "finetune")
    if model is None or model.details.evaluation is None:
        return None
    has_temperature = model.details.findings.calibration is not None
    after = reliability(model.evaluation, classes)
    before = reliability(model.details.evaluation, classes) if has_temperature else ()
    sentence = _sentence(model, classes)
    return Calibrated(
        sentence=sentence,
        fitted=_fitted(model.details),
        errors=tuple(_errors(model, classes) for model in models),
        bins=after,
        plot=reliability_plot("reliability", f"Reliability. {sentence}", _plotted(before), _plotted(after)),
    )


def _plotted(bins: tuple[Bin, ...]) -> list[PlottedBin]:
    return [
        PlottedBin(one.confidence, one.right_share, one.interval_low, one.interval_high, one.images)
        for one in bins
        if one.images
    ]


def _errors(model: Model, classes: tuple[str, ...]) -> tuple[str, str, str]:
    raw, shown = _raw_error(model, classes), expected_calibration_error(model.evaluation, classes)
    return model.name, points(raw), points(shown)


def _raw_error(model: Model, classes: tuple[str, ...]) -> float:
    raw = model.details.evaluation or model.evaluation
    return expected_calibration_error(raw, classes)


def _sentence(model: Model, classes: tuple[str, ...]) -> str:
    off = points(expected_calibration_error(model.evaluation, classes))
    text = (
        f"How sure the {model.name.lower()} says it is differs from how often it is right by {off} on average"
    )
    before = ""
    if model.details.findings.calibration is not None:
        before = f"; before temperature scaling by {points(_raw_error(model, classes))}"
    return f"{text} (expected calibration error){before}."


def _fitted(details: RunDetails) -> str:
    calibration = details.findings.calibration
    if calibration is None:
        return (
            "No temperature was fitted: that is done where only the head is trained. "
            "The probabilities on this page are as the network gives them."
        )
    before, after = decimal(calibration.log_loss_before), decimal(calibration.log_loss_after)
    return (
        f"The temperature is {calibration.temperature:.3f}: the network was {_way(calibration)}. "
        f"It was fitted on {counted(calibration.images, 'training image')}, each judged by a head that had "
        f"not seen it, where it brings the log loss from {before} to {after}. The test images took no part "
        "in that. All probabilities on this page are after it."
    )


def _way(calibration: Calibration) -> str:
    if abs(calibration.temperature - 1) < 0.02:
        return "about as sure of itself as it should be"
    return "too sure of itself" if calibration.temperature > 1 else "not sure enough of itself"
