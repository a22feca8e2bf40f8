"""What all plots share: the style, the looks of what is compared, and how a figure becomes SVG.

Only this and the modules `plots*.py` import matplotlib. They draw with `Figure` objects, never with pyplot.
No text of strangers enters a plot: two dollar signs in the name of a class would be taken for a formula.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib.style
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MultipleLocator, NullLocator, PercentFormatter

from pipeline.report.inline_svg import CHAMPION, FINETUNE, INK, LINE, SCRATCH, inline_svg
from pipeline.report.plot_axes import share_limits

Kind = Literal["finetune", "scratch", "champion"]
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
LOOKS: dict[Kind, dict[str, Any]] = {
    "finetune": {"label": "Fine-tune", "color": FINETUNE, "marker": "o", "linestyle": "-"},
    "scratch": {"label": "From scratch", "color": SCRATCH, "marker": "s", "linestyle": (0, (4, 2))},
    "champion": {"label": "Champion", "color": CHAMPION, "marker": "D", "linestyle": (0, (6, 1.5, 1.2, 1.5))},
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw what is inside in the style of the page, whatever the settings of this machine are."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def empty_figure(inches: tuple[float, float]) -> tuple[Any, Any]:
    """Return a figure and its one plot."""
    figure = Figure(figsize=inches, layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def set_ticks(axis: Any, ticks: Sequence[tuple[float, str]]) -> None:
    """Give an axis (`plot.xaxis` or `plot.yaxis`) exactly these ticks: places with their labels."""
    axis.set_major_locator(FixedLocator([place for place, _ in ticks]))
    axis.set_major_formatter(FixedFormatter([label for _, label in ticks]))
    axis.set_minor_locator(NullLocator())


def set_shares(plot: Any, lowest: Sequence[float]) -> None:
    """Let the upright axis show shares up to 100 %, from a round one below the lowest."""
    low, step = share_limits(lowest)
    plot.set_ylim(low, 1)
    set_per_cent(plot.yaxis, step)


def set_all_shares(plot: Any) -> None:
    """Let both axes show shares from 0 to 100 %."""
    plot.set_xlim(0, 1)
    plot.set_ylim(0, 1)
    for axis in (plot.xaxis, plot.yaxis):
        set_per_cent(axis, 0.2)


def set_per_cent(axis: Any, step: float) -> None:
    """Label an axis of shares as percentages, at multiples of a step."""
    axis.set_major_locator(MultipleLocator(step))
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def finished(figure: Any, plot: Any, name: str, title: str, *, columns: int = 2) -> Markup:
    """Return the figure as an inline SVG, with a legend above it if anything in it has a name.

    Args:
        figure: from `empty_figure`, drawn.
        plot: the one whose legend is shown.
        name: begins the ids inside; no two plots of a page have the same.
        title: what the plot tells, for those who do not see it.
        columns: of the legend.
    """
    if plot.get_legend_handles_labels()[1]:
        plot.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, borderpad=0.2)
    # `savefig` would draw the figure once more for this: a quarter of the time of a page.
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    return inline_svg(buffer.getvalue(), name, title)
