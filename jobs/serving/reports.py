"""The pages of the reports, as they lie in the home."""

import re
import threading
from dataclasses import dataclass

from db.session import open_read_only
from jobs.home import Home
from jobs.reports import write_all

INDEX = "index.html"
_NAME = re.compile(r"(index|cycle-\d+|compare-\d+-\d+)\.html", re.ASCII)
_POLICY = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]+)"')
_HEAD = 2048  # bytes, in which a page says its policy
_NOTHING = "default-src 'none'; sandbox"  # of a page that says none
_one_renders = threading.Lock()


@dataclass(frozen=True)
class ReportPage:
    """A page, and the Content-Security-Policy that it was made for."""

    html: bytes
    policy: str


def report_page(home: Home, name: str) -> ReportPage | None:
    """Return a page by its file name; None if there is none. Where the index is missing, all are rendered.

    Raises:
        DatabaseError: nothing can be rendered.
    """
    if _NAME.fullmatch(name) is None:
        return None
    file = home.reports / name
    if name == INDEX and not file.is_file():
        home.require()
        with _one_renders:
            write_all(home, open_read_only(home.records))
    try:
        html = file.read_bytes()
    except OSError:
        return None
    said = _POLICY.search(html[:_HEAD])
    return ReportPage(html, f"{said[1].decode()}; frame-ancestors 'none'" if said else _NOTHING)
