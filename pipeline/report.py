"""Render the reports: records to text, the same bytes for the same records; writing is somebody else's."""

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline import report_words
from pipeline.records import Cycle
from pipeline.report_cycle import cycle_page
from pipeline.report_index import index_page

FILTERS = ("percent", "interval", "decimal", "integer", "counted", "duration", "instant", "sentence", "size")


def render_cycle(cycle: Cycle) -> str:
    """Return the page of one cycle as a self-contained HTML document, however far the cycle came."""
    return _environment().get_template("cycle.html").render(cycle=cycle, page=cycle_page(cycle))


def render_index(cycles: Sequence[Cycle], champion_id: int | None) -> str:
    """Return the page that lists all cycles, with `champion_id` the run that `predict` uses."""
    return _environment().get_template("index.html").render(page=index_page(cycles, champion_id))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=report_words.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(report_words, name) for name in FILTERS})
    return environment
