"""A picture of an image that is asked for by its content, so no path ever comes from a browser."""

import contextlib

from db import store
from db.session import open_read_only
from jobs.home import Home
from jobs.image_folder import recorded_folder
from pipeline.decode import BadImage, thumbnail_jpeg
from pipeline.errors import ImagesUnreachable
from pipeline.reader import read_picture


def picture_of(home: Home, sha256: str, side: int) -> bytes | None:
    """Return an image of the newest finished cycle's folder as a JPEG, at most `side` pixels wide and high.

    It is made of a file that has the content which the index knows, still. Else it is the small picture that
    the reports keep; None if there is none.
    """
    with open_read_only(home.records)() as session:
        folder = store.last_finished_folder(session)
        files = store.files_with_content(session, folder, sha256) if folder else []
        kept = store.load_thumbnails(session, [sha256], 1).get(sha256)
    place = recorded_folder(folder or "", home)
    for file in files:
        # It has vanished or changed, or never could be used; or its server does not answer.
        with contextlib.suppress(BadImage, ImagesUnreachable):
            return thumbnail_jpeg(read_picture(place, file.path, sha256), side)
    return kept
