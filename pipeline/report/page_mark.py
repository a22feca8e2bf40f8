"""The mark of a page: from what and by what it was rendered. An unchanged page is not rendered again."""

import re
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

HEAD = 2000  # bytes within which a page has its mark
_MARK = re.compile(rb'<meta name="whisker-page" content="([0-9a-f]{64})">')


def page_mark(state: str) -> str:
    """Return the mark of a page that this version renders from a state of the database."""
    return sha256(f"{_rendering_digest()} {state}".encode()).hexdigest()


def mark_of(start: bytes) -> str | None:
    """Return the mark that the first `HEAD` bytes of a page have; None if there is none."""
    found = _MARK.search(start)
    return found[1].decode() if found else None


@cache
def _rendering_digest() -> str:
    """Return a digest over all that a page's bytes depend on, beside the database.

    The whole pipeline counts, since most of it takes part in some number of a page, and so does what reads
    the database: it chooses the pictures.
    """
    digest = sha256(
        " ".join(f"{name} {version(name)}" for name in ("jinja2", "matplotlib", "numpy", "scipy")).encode()
    )
    sources = (
        *_sources("templates", (".html", ".css", ".js")),
        *_sources("pipeline", (".py",)),
        *_sources("pipeline.report", (".py",)),
        *_sources("db", (".py",)),
    )
    for source in sources:
        digest.update(f"{source.name}\n".encode() + source.read_bytes())
    return digest.hexdigest()


def _sources(package: str, endings: tuple[str, ...]) -> list[Traversable]:
    found = (file for file in files(package).iterdir() if file.name.endswith(endings))
    return sorted(found, key=lambda file: file.name)
