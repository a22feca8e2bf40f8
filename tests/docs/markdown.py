"""The documents as what they hold: blocks of code, links, headings, and words set as code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import REPOSITORY

DOCUMENTS = {
    str(path.relative_to(REPOSITORY)): path
    for path in (
        REPOSITORY / "README.md",
        REPOSITORY / "CHANGELOG.md",
        *sorted((REPOSITORY / "docs").glob("*.md")),
        REPOSITORY / "deploy" / "README.md",
        REPOSITORY / "benchmarks" / "RESULTS.md",
    )
}

END = Token("", "", 0)


@dataclass(frozen=True)
class Block:
    """A block of code."""

    language: str  # all that stands after the fence; "" also for one that is indented
    text: str
    heading: str  # above it
    line: int  # counted from 1


@cache
def tokens(document: Path) -> tuple[Token, ...]:
    """Return what the document is made of."""
    return tuple(MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8")))


def blocks(document: Path) -> Iterator[Block]:
    """Yield the blocks of code in their order."""
    heading = ""
    for token, following in pairwise((*tokens(document), END)):
        if token.type == "heading_open":
            heading = following.content
        elif token.type in ("fence", "code_block"):
            yield Block(token.info, token.content, heading, token.map[0] + 1 if token.map else 0)


def links(document: Path) -> Iterator[str]:
    """Yield where links lead and where pictures are."""
    for token in _inline(document):
        if address := token.attrGet("href") or token.attrGet("src"):
            yield str(address)


def code_words(document: Path) -> Iterator[str]:
    """Yield what is set as code within the text."""
    return (token.content for token in _inline(document) if token.type == "code_inline")


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    parts = tokens(document)
    headings = [parts[i + 1].content for i, token in enumerate(parts) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tables(document: Path) -> Iterator[list[list[str]]]:
    """Yield each table as rows of cells, in Markdown; the first row is the head."""
    rows: list[list[str]] = []
    for token, following in pairwise((*tokens(document), END)):
        match token.type:
            case "table_open":
                rows = []
            case "tr_open":
                rows.append([])
            case "th_open" | "td_open":
                rows[-1].append(following.content)
            case "table_close":
                yield rows


def _inline(document: Path) -> Iterator[Token]:
    return (child for token in tokens(document) for child in token.children or ())
