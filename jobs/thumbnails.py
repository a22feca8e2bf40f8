"""Small pictures for the report, kept so that it can be rendered when the images have gone."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from db import store
from jobs.training import Work
from pipeline.decode import BadImage, read_file, read_image, thumbnail_jpeg
from pipeline.evaluation_tables import errors_of
from pipeline.records import Change, Evaluation, Suspect
from pipeline.report_changes import most_telling

EACH = 24  # pictures that a section of the report shows

Picture = tuple[str, bytes]  # content hash and path


def store_thumbnails(work: Work, run_id: int, changes: Iterable[Change]) -> None:
    """Keep pictures of what the report shows: errors, leaks, suspects, changes."""
    with work.sessions() as session:
        evaluation = store.evaluation_on(session, run_id, work.snapshot_id)
        suspects = store.load_suspects(session, work.cycle_id)
    assert evaluation is not None, "a finished run has an evaluation"
    pictures = dict(_pictures(work, evaluation, suspects, changes))
    thumbnails = {sha256: jpeg for sha256, path in pictures.items() if (jpeg := _thumbnail(work, path))}
    with work.sessions.begin() as session:
        store.save_thumbnails(session, thumbnails)


def _pictures(
    work: Work, evaluation: Evaluation, suspects: Iterable[Suspect], changes: Iterable[Change]
) -> Iterator[Picture]:
    wrong = errors_of(evaluation, work.snapshot.classes)
    yield from ((w.prediction.sha256, w.prediction.path) for w in wrong[:EACH])
    for leak in work.snapshot.leaks[:EACH]:
        yield from ((image.sha256, image.path) for image in (leak.train, leak.test))
    yield from ((suspect.sha256, suspect.path) for suspect in islice(suspects, EACH))
    here = (change for change in changes if change.kind != "removed")
    yield from ((change.sha256, change.path) for change in most_telling(here, EACH))


def _thumbnail(work: Work, path: bytes) -> bytes | None:
    """Return a small picture; None if the image has vanished: the report then names it without one."""
    try:
        return thumbnail_jpeg(read_image(read_file(os.path.join(os.fsencode(work.images_folder), path))))
    except BadImage:
        return None
