"""An image folder that is a URL: does its server answer, and with what?"""

import itertools
from dataclasses import replace

from jobs.examination.check import Check
from pipeline.errors import DataError
from pipeline.layout import Layout, find_layout
from pipeline.records import Quarantined
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.trouble import Patience
from pipeline.remote.walk import walk_remote

MOST = 10_000  # objects that are counted
MOST_PAGES = 20  # of listings, with a thousand objects each
PATIENCE = Patience(attempts=2)


class _Enough(Exception):
    """So many objects were counted that the rest does not matter."""


def remote_check(images: RemoteFolder) -> Check:
    """Return whether a URL can be listed, how many classes it has, and how many objects."""
    images = replace(images, patience=PATIENCE)
    try:
        layout = find_layout(images)
        count = _count(images, layout)
    except DataError as error:
        return Check("images", "problem", str(error))
    of = f"{count:,} objects" if count < MOST else f"{MOST:,} objects and more"
    classes = ", ".join(layout.classes)
    if not count:
        return Check("images", "problem", f"image folder {images} has no object for {classes}; add images")
    return Check("images", "ok", f"image folder {images} can be read: {of} of the classes {classes}")


def _count(images: RemoteFolder, layout: Layout) -> int:
    """Return how many objects lie in the class folders, as far as that matters."""
    pages = itertools.count(1)

    def each_page() -> None:
        if next(pages) >= MOST_PAGES:
            raise _Enough

    count = 0
    try:
        for listing in walk_remote(images, layout, each_page):
            count += 0 if isinstance(listing, Quarantined) else sum(1 for _ in listing.files())
            if count >= MOST:
                break
    except _Enough:
        return MOST
    return min(count, MOST)
