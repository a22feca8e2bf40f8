"""The plots of how good the models are, as curves: SVG text, the same bytes for the same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.report.inline_svg import INK
from pipeline.report.plot_frame import (
    LOOKS,
    Kind,
    empty_figure,
    finished,
    set_all_shares,
    set_per_cent,
    set_shares,
    set_ticks,
    styled,
)

SIZE = (4.3, 3.1)  # inches
FEW = 0.1  # of the images


@dataclass(frozen=True)
class Line:
    """One model's numbers along an axis, each with its interval or none with one."""

    kind: Kind
    points: tuple[tuple[float, float], ...]
    bounds: tuple[tuple[float, float], ...] = ()


def ranking_plot(
    name: str, title: str, x_label: str, y_label: str, lines: Sequence[Line], *, chance: bool
) -> Markup | None:
    """Draw curves in the whole unit square, if asked with the diagonal of guessing; None without a point."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return None
    with styled():
        figure, plot = empty_figure(SIZE)
        if chance:
            plot.plot((0, 1), (0, 1), ":", color=INK, linewidth=1, alpha=0.6, label="Guessing")
        for line in drawn:
            x, y = zip(*line.points, strict=True)
            look = {"markevery": (0.05, 0.25), "markersize": 4.5, "linewidth": 1.8, "clip_on": False}
            plot.plot(x, y, **look, **LOOKS[line.kind])
        set_all_shares(plot)
        plot.set_xlabel(x_label)
        plot.set_ylabel(y_label)
        return finished(figure, plot, name, title)


def coverage_plot(name: str, title: str, lines: Sequence[Line]) -> Markup | None:
    """Draw the accuracy on what is answered against the share that is answered; None without a point."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return None
    with styled():
        figure, plot = empty_figure(SIZE)
        for line in drawn:
            x, y = zip(*line.points, strict=True)
            look = {"markevery": (0.05, 0.3), "markersize": 4.5, "linewidth": 1.8}
            plot.plot(x, y, **look, **LOOKS[line.kind])
            _shade(plot, line)
        plot.set_xlim(0, 1.02)
        set_per_cent(plot.xaxis, 0.2)
        # Of a handful of images any share may be right: they do not stretch the axis.
        set_shares(plot, [y for line in drawn for x, y in line.points if x >= FEW] or [0.9])
        plot.set_xlabel("Images answered")
        plot.set_ylabel("Right among them")
        return finished(figure, plot, name, title)


def growth_plot(name: str, title: str, line: Line, *, beside: Sequence[float] = ()) -> Markup:
    """Draw shares against a growing number of images, evenly by doublings.

    Args:
        name: of the plot.
        title: what it tells.
        line: the points with their intervals, by growing number of images.
        beside: shares of other plots beside this one, so that all have the same upright axis.
    """
    with styled():
        figure, plot = empty_figure((3.6, 2.7))
        x, y = zip(*line.points, strict=True)
        look = {key: value for key, value in LOOKS[line.kind].items() if key != "label"}
        bars = {"capsize": 3, "elinewidth": 1.1, "markersize": 5, "linewidth": 1.8, "clip_on": False}
        plot.errorbar(x, y, yerr=_arms(line), **bars, **look)
        plot.set_xscale("log")
        plot.set_xlim(x[0] / 1.25, x[-1] * 1.25)
        set_ticks(plot.xaxis, [(images, f"{images:,.0f}") for images in x])
        set_shares(plot, [*_lowest(line), *beside])
        plot.set_xlabel("Training images")
        return finished(figure, plot, name, title)


# ---------------------------------------------------------------- pieces


def _shade(plot: Any, line: Line) -> None:
    if line.bounds:
        low, high = zip(*line.bounds, strict=True)
        x = [place for place, _ in line.points]
        plot.fill_between(x, low, high, color=LOOKS[line.kind]["color"], alpha=0.13, linewidth=0)


def _lowest(line: Line) -> list[float]:
    return [low for low, _ in line.bounds] or [value for _, value in line.points]


def _arms(line: Line) -> tuple[list[float], list[float]] | None:
    """Return how far the intervals reach below and above their values."""
    if not line.bounds:
        return None
    pairs = list(zip(line.points, line.bounds, strict=True))
    return [y - low for (_, y), (low, _) in pairs], [high - y for (_, y), (_, high) in pairs]
