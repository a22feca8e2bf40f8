"""The plots of the reports: SVG text, the same bytes for the same numbers.

The only module that imports matplotlib. It draws with `Figure` objects, never with pyplot, and no text of
strangers enters a plot: two dollar signs in a file name would be taken for a formula.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, isfinite
from typing import Any, Literal

import matplotlib.dates
import matplotlib.style
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from pipeline.inline_svg import FINETUNE, INK, LINE, SCRATCH, inline_svg
from pipeline.records import RunKind

STYLE = {
    "svg.hashsalt": "whisker",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.04,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
}
# Colour is never the only difference: the marker and the dash differ too.
LOOKS: dict[RunKind, dict[str, Any]] = {
    "finetune": {"label": "Fine-tune", "color": FINETUNE, "marker": "o", "linestyle": "-"},
    "scratch": {"label": "From scratch", "color": SCRATCH, "marker": "s", "linestyle": (0, (4, 2))},
}
MOST_MARKERS = 15
XScale = Literal["whole", "seconds", "log seconds"]


@dataclass(frozen=True)
class Curve:
    """One run's numbers along an axis; a point that is not finite is left out."""

    kind: RunKind
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Axes:
    """What stands along the two axes of a plot of curves."""

    x_label: str
    y_label: str
    x: XScale
    y: Literal["share", "number"]


@dataclass(frozen=True)
class Measured:
    """A share with its interval, at an instant."""

    at: datetime
    share: float
    low: float
    high: float


def curves_plot(
    name: str, title: str, axes: Axes, curves: Sequence[Curve], phase_starts: Sequence[float] = ()
) -> Markup | None:
    """Draw curves on the same axes, with a dotted line where a phase starts; None if there is no point."""
    drawable = [(curve.kind, _finite_points(curve, axes)) for curve in curves]
    if not any(points for _, points in drawable):
        return None
    with matplotlib.style.context(["default", STYLE]):
        figure, plot = _empty_figure((4.3, 3.1))
        for kind, points in drawable:
            if points:
                _draw_curve(plot, kind, points)
        for start in phase_starts:
            plot.axvline(start, color=INK, linewidth=1, linestyle=":", alpha=0.6)
        _set_axes(plot, axes)
        return _finished(figure, plot, name, title)


def history_plot(
    name: str, title: str, finetune: Sequence[Measured], scratch: Sequence[Measured]
) -> Markup | None:
    """Draw test accuracies over time with their intervals as bars; None if there is no point."""
    instants = [point.at for point in (*finetune, *scratch)]
    if not instants:
        return None
    with matplotlib.style.context(["default", STYLE]):
        figure, plot = _empty_figure((7.4, 3.1))
        _draw_measured(plot, "finetune", finetune)
        _draw_measured(plot, "scratch", scratch)
        # A single instant has no width of its own, and matplotlib would show four years around it.
        margin = max((max(instants) - min(instants)) * 0.04, timedelta(hours=1))
        plot.set_xlim(min(instants) - margin, max(instants) + margin)
        locator = matplotlib.dates.AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
        plot.xaxis.set_major_locator(locator)
        plot.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator, tz=UTC))
        plot.set_ylabel("Test accuracy")
        _share_axis(plot)
        return _finished(figure, plot, name, title)


def _empty_figure(inches: tuple[float, float]) -> tuple[Any, Any]:
    figure = Figure(figsize=inches, layout="constrained")
    return figure, figure.add_subplot()


def _finite_points(curve: Curve, axes: Axes) -> list[tuple[float, float]]:
    return [
        (x, y) for x, y in curve.points if isfinite(x) and isfinite(y) and (axes.x != "log seconds" or x > 0)
    ]


def _draw_curve(plot: Any, kind: RunKind, points: Sequence[tuple[float, float]]) -> None:
    every = ceil(len(points) / MOST_MARKERS)
    # The last point always has a marker: it is the model that was kept.
    marked = slice((len(points) - 1) % every, None, every)
    x, y = zip(*points, strict=True)
    plot.plot(x, y, markevery=marked, markersize=4.5, linewidth=1.8, **LOOKS[kind])


def _draw_measured(plot: Any, kind: RunKind, points: Sequence[Measured]) -> None:
    if not points:
        return
    shares = [point.share for point in points]
    bars = (
        [point.share - point.low for point in points],
        [point.high - point.share for point in points],
    )
    at = [point.at for point in points]
    plot.errorbar(
        at, shares, yerr=bars, capsize=3, elinewidth=1.1, markersize=5, linewidth=1.4, **LOOKS[kind]
    )


def _set_axes(plot: Any, axes: Axes) -> None:
    plot.set_xlabel(axes.x_label)
    plot.set_ylabel(axes.y_label)
    if axes.x == "whole":
        plot.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    if axes.x == "log seconds":
        plot.set_xscale("log")
        plot.xaxis.set_major_formatter(FuncFormatter(_plain_seconds))
        plot.xaxis.set_minor_formatter(NullFormatter())
    if axes.y == "share":
        _share_axis(plot)
    else:
        plot.set_ylim(bottom=0)


def _plain_seconds(seconds: float, _position: int) -> str:
    return f"{seconds:,.0f}" if seconds >= 1 else f"{seconds:g}"


def _share_axis(plot: Any) -> None:
    low, _ = plot.get_ylim()
    plot.set_ylim(max(0.0, low - 0.01), 1.01)
    plot.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))


def _finished(figure: Any, plot: Any, name: str, title: str) -> Markup:
    plot.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderpad=0.2)
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    return inline_svg(buffer.getvalue(), name, title)
