"""The plots of training and of history: SVG text, the same bytes for the same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, isfinite
from typing import Any, Literal

import matplotlib.dates
from markupsafe import Markup

from pipeline.records import RunKind
from pipeline.report.inline_svg import INK
from pipeline.report.plot_axes import (
    WIDE_EPOCHS,
    WIDE_TIMES,
    epoch_ticks,
    time_label,
    time_ticks,
    wide_epoch_ticks,
    wide_time_ticks,
)
from pipeline.report.plot_frame import LOOKS, empty_figure, finished, set_shares, set_ticks, styled

MOST_MARKERS = 15


@dataclass(frozen=True)
class Curve:
    """One run's numbers along an axis; a point that is not finite is left out."""

    kind: RunKind
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Axes:
    """What stands along the two axes of a plot of curves."""

    x: Literal["epochs", "time"]
    y_label: str
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
    """Draw curves on the same axes, with a dotted line where a phase starts; None if there is no point.

    Along the axis go numbers of epochs from 1, or times in seconds from 0: evenly, unless the curves differ
    so much in length that one would be a dot.
    """
    finite = [Curve(curve.kind, _finite(curve.points)) for curve in curves]
    drawn = [curve for curve in finite if curve.points]
    if not drawn:
        return None
    with styled():
        figure, plot = empty_figure((4.3, 3.1))
        set_along = _set_epochs if axes.x == "epochs" else _set_times
        set_along(plot, drawn)
        for curve in drawn:
            _draw_curve(plot, curve)
        if axes.x == "time":
            _draw_last_values(plot, drawn)
        for start in phase_starts:
            plot.axvline(start, color=INK, linewidth=1, linestyle=":", alpha=0.6)
        _set_upright(plot, axes, [value for curve in drawn for _, value in curve.points])
        return finished(figure, plot, name, title)


def history_plot(
    name: str,
    title: str,
    finetune: Sequence[Measured],
    scratch: Sequence[Measured],
    champions: Sequence[Measured] = (),
) -> Markup | None:
    """Draw test accuracies over time with their intervals as bars; None if there is no point.

    Those that became champion get a ring.
    """
    both = (*finetune, *scratch)
    if not both:
        return None
    with styled():
        figure, plot = empty_figure((4.9, 3.1))
        _draw_measured(plot, "finetune", finetune)
        _draw_measured(plot, "scratch", scratch)
        _draw_rings(plot, champions)
        _set_instants(plot, [point.at for point in both])
        _set_upright(plot, Axes("time", "Test accuracy", "share"), [point.low for point in both])
        return finished(figure, plot, name, title, columns=2)


def _finite(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in points if isfinite(x) and isfinite(y))


def _draw_curve(plot: Any, curve: Curve) -> None:
    x, y = zip(*curve.points, strict=True)
    every = ceil(len(x) / MOST_MARKERS)
    # The last point always has a marker: it is the model that was kept.
    marked = slice((len(x) - 1) % every, None, every)
    # A marker at 100 % is not cut in half by the edge.
    plot.plot(x, y, markevery=marked, markersize=4.5, linewidth=1.8, clip_on=False, **LOOKS[curve.kind])


def _draw_last_values(plot: Any, curves: Sequence[Curve]) -> None:
    """Draw a fine line from the end of a curve to where the longest ends, to compare the two there."""
    longest = max(curve.points[-1][0] for curve in curves)
    for curve in curves:
        end, value = curve.points[-1]
        if end < longest:
            plot.plot((end, longest), (value, value), ":", color=LOOKS[curve.kind]["color"], linewidth=1.2)


def _draw_measured(plot: Any, kind: RunKind, points: Sequence[Measured]) -> None:
    if not points:
        return
    shares = [point.share for point in points]
    bars = (
        [point.share - point.low for point in points],
        [point.high - point.share for point in points],
    )
    at = [point.at for point in points]
    look = {"capsize": 3, "elinewidth": 1.1, "markersize": 5, "linewidth": 1.4, "clip_on": False}
    plot.errorbar(at, shares, yerr=bars, **look, **LOOKS[kind])


def _draw_rings(plot: Any, points: Sequence[Measured]) -> None:
    if points:
        at, shares = [point.at for point in points], [point.share for point in points]
        look = {"color": INK, "markersize": 11, "fillstyle": "none", "markeredgewidth": 1.3, "clip_on": False}
        plot.plot(at, shares, linestyle="", marker="o", label="Became champion", **look)


# ---------------------------------------------------------------- axes


def _set_epochs(plot: Any, curves: Sequence[Curve]) -> None:
    ends = [curve.points[-1][0] for curve in curves]
    last = max(ends)
    plot.set_xlabel("Epoch")
    if last > WIDE_EPOCHS * min(ends):
        ticks = wide_epoch_ticks(last)
        plot.set_xscale("log")
        plot.set_xlim(0.9, last * 1.1)
    else:
        ticks = epoch_ticks(last)
        margin = (last - 1) * 0.04 or 0.6
        plot.set_xlim(1 - margin, last + margin)
    set_ticks(plot.xaxis, [(tick, f"{tick:,.0f}") for tick in ticks])


def _set_times(plot: Any, curves: Sequence[Curve]) -> None:
    ends = [curve.points[-1][0] for curve in curves]
    times = [time for curve in curves for time, _ in curve.points if time > 0] or [1.0]
    longest = max(times)
    plot.set_xlabel("Time of training")
    if longest > WIDE_TIMES * min(ends):
        ticks = wide_time_ticks(min(times), longest)
        plot.set_xscale("symlog", linthresh=ticks[1], linscale=0.5)
        plot.set_xlim(0, longest * 1.2)
    else:
        ticks = time_ticks(longest)
        plot.set_xlim(0, longest * 1.03)
    set_ticks(plot.xaxis, [(tick, time_label(tick)) for tick in ticks])


def _set_instants(plot: Any, instants: Sequence[datetime]) -> None:
    # A single instant has no width of its own, and matplotlib would show four years around it.
    margin = max((max(instants) - min(instants)) * 0.04, timedelta(hours=1))
    plot.set_xlim(min(instants) - margin, max(instants) + margin)
    # With fewer ticks it finds no step for some lengths, as for two and a half hours, and warns of that.
    locator = matplotlib.dates.AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
    plot.xaxis.set_major_locator(locator)
    plot.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator, tz=UTC))


def _set_upright(plot: Any, axes: Axes, values: Sequence[float]) -> None:
    plot.set_ylabel(axes.y_label)
    if axes.y == "number":
        plot.set_ylim(bottom=0)
        return
    set_shares(plot, values)
