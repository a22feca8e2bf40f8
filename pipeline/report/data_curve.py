"""What the section on the data curve shows: would more images help?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from pipeline.paired import Estimate
from pipeline.records import Cycle, DataPoint
from pipeline.report.models import gain_with_interval, share_with_interval
from pipeline.report.plots_quality import Line, growth_plot
from pipeline.report.words import counted, percent
from pipeline.shares import difference, share

MOST_DRAWN = 3  # classes
LITTLE = 0.01  # a gain that is surely below this is little


@dataclass(frozen=True)
class GrowthPanel:
    """A plot of all classes together, or of one class."""

    heading: str
    svg: Markup


@dataclass(frozen=True)
class GrowthRow:
    """What a head that was fitted on so many images gets right, in words."""

    share: str
    images: int
    accuracy: str
    recalls: tuple[str, ...]  # in the order of the classes


@dataclass(frozen=True)
class DataCurve:
    """Accuracy by number of training images."""

    sentence: str
    classes: tuple[str, ...]
    panels: tuple[GrowthPanel, ...]
    rows: tuple[GrowthRow, ...]


def data_curve_of(cycle: Cycle) -> DataCurve | None:
    """Work out the section; None if there are not two points at least."""
    points = cycle.finetune.findings.data_curve if cycle.finetune else ()
    tested = [point for point in points if sum(point.tested.values())]
    if len(tested) < 2 or cycle.snapshot is None:
        return None
    classes = cycle.snapshot.classes
    sentence = _sentence(tested)
    return DataCurve(
        sentence=sentence,
        classes=classes,
        panels=tuple(_panels(tested, classes, sentence)),
        rows=tuple(
            GrowthRow(
                percent(point.share),
                point.train_images,
                share_with_interval(_of_all(point)),
                tuple(share_with_interval(_of_class(point, label)) for label in classes),
            )
            for point in tested
        ),
    )


def _of_all(point: DataPoint) -> Estimate:
    return share(sum(point.right.values()), sum(point.tested.values()))


def _of_class(point: DataPoint, label: str) -> Estimate | None:
    tested = point.tested.get(label, 0)
    return share(point.right.get(label, 0), tested) if tested else None


def _gain(before: DataPoint, after: DataPoint) -> Estimate:
    """Return what the second head gets right more often; the interval is one for unpaired images."""
    (was, of), (now, of_now) = (
        (sum(point.right.values()), sum(point.tested.values())) for point in (before, after)
    )
    return difference(now, of_now, was, of)


def _panels(points: Sequence[DataPoint], classes: Sequence[str], sentence: str) -> Iterator[GrowthPanel]:
    """Yield a plot of all classes, then of each class that has test images, on the same upright axis."""
    lines = [("All classes", _line(points, _of_all))]
    lines += [(label, _line(points, partial(_of_class, label=label))) for label in classes[:MOST_DRAWN]]
    drawn = [(heading, line) for heading, line in lines if len(line.points) > 1]
    lowest = [low for _, line in drawn for low, _ in line.bounds]
    for number, (heading, line) in enumerate(drawn):
        # No name of a class enters a plot: the heading above it has it.
        title = (
            f"Accuracy by training images. {sentence}"
            if not number
            else "Recall of this class by training images"
        )
        yield GrowthPanel(heading, growth_plot(f"data-curve-{number}", title, line, beside=lowest))


def _line(points: Sequence[DataPoint], estimate: Callable[[DataPoint], Estimate | None]) -> Line:
    known = [(point.train_images, one) for point in points if (one := estimate(point))]
    return Line(
        "finetune",
        tuple((float(images), one.value) for images, one in known),
        tuple((one.low, one.high) for _, one in known),
    )


def _sentence(points: Sequence[DataPoint]) -> str:
    """Say what the last step of the curve gained, and what that suggests."""
    before, after = points[-2:]
    gain = _gain(before, after)
    step = "Doubling" if abs(after.train_images / before.train_images - 2) < 0.1 else "Growing"
    return (
        f"{step} the training images from {before.train_images:,d} to {counted(after.train_images, 'image')} "
        f"gained {gain_with_interval(gain)}: {_suggestion(gain)}."
    )


def _suggestion(gain: Estimate) -> str:
    if gain.low > 0:
        return "the curve still rises, so more images of the same kind would probably help"
    if gain.high < LITTLE:
        return "more images of the same kind would help little"
    return "whether more images of the same kind would help cannot be told from so few test images"
