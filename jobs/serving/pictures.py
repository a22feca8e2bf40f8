"""A picture of an image that is asked for by its content, so no path ever comes from a browser."""

import hashlib
import os

from db import store
from db.session import open_read_only
from jobs.home import Home
from pipeline.decode import BadImage, read_file, read_image, thumbnail_jpeg


def picture_of(home: Home, sha256: str, side: int) -> bytes | None:
    """Return an image of the newest finished cycle's folder as a JPEG, at most `side` pixels wide and high.

    It is made of a file that has the content which the index knows, still. Else it is the small picture that
    the reports keep; None if there is none.
    """
    with open_read_only(home.database)() as session:
        folder = store.last_finished_folder(session)
        files = store.files_with_content(session, folder, sha256) if folder else []
        kept = store.load_thumbnails(session, [sha256], 1).get(sha256)
    for file in files:
        try:
            data = read_file(os.path.join(os.fsencode(folder or ""), file.path))
            if hashlib.sha256(data).hexdigest() == sha256:
                return thumbnail_jpeg(read_image(data), side)
        except BadImage:  # it has vanished, or never could be used
            continue
    return kept
