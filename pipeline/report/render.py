"""Render the reports: records to text, the same bytes for the same records; writing is somebody else's."""

from collections.abc import Sequence

from pipeline.records import Cycle, Promotion
from pipeline.report.cycle_page import cycle_page
from pipeline.report.index_page import index_page
from pipeline.report.page_templates import rendered


def render_cycle(cycle: Cycle, mark: str = "") -> str:
    """Return the page of one cycle as a self-contained HTML document, however far the cycle came.

    Args:
        cycle: the records that it shows.
        mark: what the page carries to tell later whether it must be rendered again, see `page_mark`.
    """
    return rendered("cycle.html", mark, cycle=cycle, page=cycle_page(cycle))


def render_index(
    cycles: Sequence[Cycle], champion_id: int | None, promotions: Sequence[Promotion] = ()
) -> str:
    """Return the page that lists all cycles, with `champion_id` the run that `predict` uses.

    Args:
        cycles: in any order.
        champion_id: None if there is no champion.
        promotions: every change of champion, in any order.
    """
    return rendered("index.html", page=index_page(cycles, champion_id, promotions))
