"""The templates of the pages, and how strangers' text gets into them: always as text."""

import base64
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report import words

FILTERS = (
    "percent",
    "points",
    "interval",
    "decimal",
    "integer",
    "counted",
    "duration",
    "instant",
    "sentence",
    "size",
)


def rendered(template: str, mark: str = "", **values: object) -> str:
    """Return a page as a self-contained HTML document.

    Args:
        template: the name of its file.
        mark: what the page carries to tell later whether it must be rendered again, see `page_mark`.
        values: what the template shows.
    """
    return _environment().get_template(template).render(mark=mark, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(words, name) for name in FILTERS})
    script = _source(environment, "script.js")
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    # The page allows the script with this content and no other; our own file needs no escaping.
    environment.globals.update(script=Markup(script), script_hash=f"sha256-{digest}")
    return environment


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]
