"""Small pictures for the report, kept so that it can be rendered when the images have gone."""

import os

from db import store
from jobs.training import Work
from pipeline.decode import BadImage, read_file, read_image, thumbnail_jpeg
from pipeline.evaluation_tables import errors_of

THUMBNAILS = 24  # pictures of wrong test images that a report shows


def store_thumbnails(work: Work, run_id: int) -> None:
    """Keep pictures of the test images that a run got wrong, the most confident errors first."""
    with work.sessions() as session:
        evaluation = store.evaluation_on(session, run_id, work.snapshot_id)
    assert evaluation is not None, "a finished run has an evaluation"
    thumbnails = {}
    for wrong in errors_of(evaluation, work.snapshot.classes)[:THUMBNAILS]:
        try:
            image = read_image(
                read_file(os.path.join(os.fsencode(work.images_folder), wrong.prediction.path))
            )
        except BadImage:  # vanished since it was scored: the report names it without a picture
            continue
        thumbnails[wrong.prediction.sha256] = thumbnail_jpeg(image)
    with work.sessions.begin() as session:
        store.save_thumbnails(session, thumbnails)
