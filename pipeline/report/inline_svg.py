"""Make a stand-alone SVG fit to stand inside an HTML page, several times."""

import re

from markupsafe import Markup, escape

# The plots are drawn in these colours only; the page's stylesheet decides what they look like.
INK, LINE, FINETUNE, SCRATCH, CHAMPION = "#101010", "#101011", "#101012", "#101013", "#101014"
THEME = {
    INK: "currentColor",
    LINE: "var(--plot-line)",
    FINETUNE: "var(--finetune)",
    SCRATCH: "var(--scratch)",
    CHAMPION: "var(--champion)",
}


def inline_svg(svg: str, name: str, title: str) -> Markup:
    """Return the `<svg>` element of a trusted SVG file, with ids of its own and `title` as its text.

    The prolog, fixed size and style element go (that one would style the whole page); every id, `url(#id)`
    and `href="#id"` gets `name` as prefix; the colours of `THEME` become those of the page.
    """
    body = svg[svg.index("<svg") :].strip()
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body)
    for colour, themed in THEME.items():
        body = body.replace(colour, themed)
    head, rest = body.split(">", 1)
    head = re.sub(r'\s(?:width|height|version|xmlns(?::xlink)?)="[^"]*"', "", head)
    label = f'role="img" aria-labelledby="{name}-title"'
    # `body` is our own drawing: it holds numbers and our own words, never a file name or a label.
    return Markup(f'{head} {label}>\n <title id="{name}-title">{escape(title)}</title>{rest}')
