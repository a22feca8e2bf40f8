"""What a person reads on a page, as lines of text."""

import re
from xml.etree.ElementTree import Element

import html5lib

BLOCKS = {
    "article", "caption", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "h3",
    "header", "li", "main", "nav", "p", "pre", "section", "summary", "svg", "table", "tr", "ul",
}  # fmt: skip


def text_of(page: str) -> str:
    """Return the text of a page: a line for each block, the title of a drawing, the alt text of a picture.

    The page is parsed strictly, so HTML that a browser would have to mend is an error.
    """
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    body = parser.parse(page).find("body")
    lines = (" ".join(line.split()) for line in "".join(_pieces(body)).splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def _pieces(element: Element) -> list[str]:
    tag = re.sub(r"\{.*\}", "", str(element.tag))
    if tag == "svg":
        title = next((child.text or "" for child in element if str(child.tag).endswith("title")), None)
        return [f"\n[drawing: {title}]\n"] if title else []
    if tag == "img":
        return [f"\n[picture: {element.get('alt')}]\n"]
    inner = [element.text or ""]
    for child in element:
        inner += [*_pieces(child), child.tail or ""]
    if tag in {"td", "th"}:
        # A cell is one piece of its row's line.
        return [" ".join("".join(inner).split()), " | "]
    if tag == "tr":
        inner = [" ".join("".join(inner).split())]
    return ["\n", *inner, "\n"] if tag in BLOCKS else inner
