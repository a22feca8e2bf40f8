"""The pages of the app itself, and the files that they need."""

from importlib.resources import files

from jobs.serving.uploads import MOST_BYTES
from pipeline.report.page_templates import rendered

STATIC = {
    "style.css": "text/css",
    "serve.css": "text/css",
    "script.js": "text/javascript",
    "served.js": "text/javascript",
    "start.js": "text/javascript",
    "look-over.js": "text/javascript",
    "doubts.js": "text/javascript",
}


def start_page() -> str:
    """Return the page on which an image is dropped."""
    return rendered("start.html", most_bytes=MOST_BYTES)


def look_over_page() -> str:
    """Return the page on which doubtful labels are decided."""
    return rendered("look-over.html")


def static_file(name: str) -> bytes | None:
    """Return a stylesheet or script by its name; None if there is no such one."""
    return (files("templates") / name).read_bytes() if name in STATIC else None
