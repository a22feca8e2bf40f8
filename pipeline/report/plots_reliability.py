"""The plot of whether a model is right as often as it says: SVG text, the same bytes for the same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.report.inline_svg import INK
from pipeline.report.plot_axes import share_limits
from pipeline.report.plot_frame import LOOKS, empty_figure, finished, set_per_cent, styled


@dataclass(frozen=True)
class Bin:
    """Images that a model was about equally sure of."""

    sure: float  # mean of what it said, 0..1
    right: float  # share that it was right on, 0..1
    low: float
    high: float
    images: int


def reliability_plot(name: str, title: str, before: Sequence[Bin], after: Sequence[Bin]) -> Markup | None:
    """Draw how often a model is right against how sure it is, above the number of images; None without any.

    Args:
        name: of the plot.
        title: what it tells.
        before: by what the network says; empty if that is what `after` shows.
        after: by the probabilities as they are shown.
    """
    if not after:
        return None
    with styled():
        figure, plot = empty_figure((4.3, 3.9))
        below = figure.add_subplot(2, 1, 2)
        plot.set_subplotspec(figure.add_gridspec(2, 1, height_ratios=(3, 1))[0])
        below.set_subplotspec(plot.get_subplotspec().get_gridspec()[1])
        lowest = share_limits([min(one.sure for one in (*after, *before))])[0]
        _draw_reliability(plot, before, after, lowest)
        _draw_counts(below, after, lowest)
        return finished(figure, plot, name, title)


def _draw_reliability(plot: Any, before: Sequence[Bin], after: Sequence[Bin], lowest: float) -> None:
    plot.plot((lowest, 1), (lowest, 1), ":", color=INK, linewidth=1.2, alpha=0.7, label="As sure as right")
    color = LOOKS["finetune"]["color"]
    if before:
        x, y = [one.sure for one in before], [one.right for one in before]
        plot.plot(x, y, "x--", color=INK, alpha=0.65, markersize=5, linewidth=1, label="As the network says")
    x, y = [one.sure for one in after], [one.right for one in after]
    arms = ([one.right - one.low for one in after], [one.high - one.right for one in after])
    label = "Calibrated" if before else "As the network says"
    plot.errorbar(
        x,
        y,
        yerr=arms,
        fmt="o-",
        color=color,
        capsize=3,
        elinewidth=1.1,
        markersize=5,
        label=label,
        clip_on=False,
    )
    plot.set_xlim(lowest, 1)
    plot.set_ylim(0, 1)
    set_per_cent(plot.yaxis, 0.2)
    set_per_cent(plot.xaxis, 0.1 if lowest >= 0.4 else 0.2)
    plot.tick_params(labelbottom=False)
    plot.set_ylabel("Right")


def _draw_counts(plot: Any, bins: Sequence[Bin], lowest: float) -> None:
    width = 0.035 if lowest >= 0.4 else 0.06
    plot.bar(
        [one.sure for one in bins], [one.images for one in bins], width, color=LOOKS["finetune"]["color"]
    )
    plot.set_xlim(lowest, 1)
    set_per_cent(plot.xaxis, 0.1 if lowest >= 0.4 else 0.2)
    plot.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    plot.yaxis.set_major_formatter(FuncFormatter(lambda images, _: f"{images:,.0f}"))
    plot.set_xlabel("How sure the model says it is")
    plot.set_ylabel("Images")
