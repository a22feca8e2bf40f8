"""Plots of values with their intervals in rows: SVG text, the same bytes for the same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.report.inline_svg import INK, LINE
from pipeline.report.plot_frame import LOOKS, Kind, empty_figure, finished, set_ticks, styled

SPREAD = 0.22  # between the intervals of one row; rows are 1 apart


@dataclass(frozen=True)
class Interval:
    """A value with its interval; without a value it is a range only, with a kind it belongs to a model."""

    kind: Kind | None
    value: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Mark:
    """A line across the rows, to compare the intervals with."""

    place: float
    label: str
    dashed: bool = False


def intervals_plot(
    name: str,
    title: str,
    rows: Sequence[tuple[str, Sequence[Interval]]],
    marks: Sequence[Mark] = (),
    *,
    points: bool = False,
) -> Markup | None:
    """Draw intervals in rows from the top, of one or more models each; None without a row.

    Args:
        name: of the plot.
        title: what it tells.
        rows: what stands beside a row, and its intervals.
        marks: lines across all rows.
        points: the values are differences of shares, to be shown as percentage points, not as shares.
    """
    if not rows:
        return None
    with styled():
        figure, plot = empty_figure((4.3, 1.0 + 0.38 * len(rows)))
        for mark in marks:
            dash = "--" if mark.dashed else "-"
            plot.axvline(mark.place, color=INK, linewidth=1.1, linestyle=dash, alpha=0.75, label=mark.label)
        unnamed = _models_to_tell_apart(rows)
        for row, (_, intervals) in enumerate(rows):
            _draw_row(plot, row, intervals, unnamed)
        set_ticks(plot.yaxis, [(row, label) for row, (label, _) in enumerate(rows)])
        plot.set_ylim(len(rows) - 0.5, -0.5)
        plot.grid(visible=False, axis="y")
        _set_values(plot, points=points)
        return finished(figure, plot, name, title)


def _models_to_tell_apart(rows: Sequence[tuple[str, Sequence[Interval]]]) -> set[Kind]:
    """Return the models that the legend names: all, if a row has more than one; else none."""
    models = {one.kind for _, intervals in rows for one in intervals if one.kind is not None}
    return models if len(models) > 1 else set()


def _draw_row(plot: Any, row: int, intervals: Sequence[Interval], unnamed: set[Kind]) -> None:
    """Draw the intervals of a row; models in `unnamed` get their name in the legend, and leave it."""
    for order, one in enumerate(intervals):
        at = row + (order - (len(intervals) - 1) / 2) * SPREAD
        if one.kind is None or one.value is None:
            plot.plot((one.low, one.high), (at, at), color=LINE, linewidth=9, solid_capstyle="butt")
            continue
        look = LOOKS[one.kind] | {
            "linestyle": "none",
            "capsize": 3,
            "elinewidth": 1.8,
            "markersize": 6,
            "clip_on": False,
        }
        if one.kind not in unnamed:
            del look["label"]
        unnamed.discard(one.kind)
        plot.errorbar([one.value], [at], xerr=([one.value - one.low], [one.high - one.value]), **look)


def _set_values(plot: Any, *, points: bool) -> None:
    plot.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if points:
        plot.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value * 100:+.3g}" if value else "0")
        )
        plot.set_xlabel("Percentage points of accuracy")
    else:
        low, high = plot.get_xlim()
        plot.set_xlim(max(0, low), min(1.005, high))
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g} %"))
