"""Small pictures for the report, kept so that it can be rendered when the images have gone."""

from collections.abc import Iterable, Iterator

from db import store
from jobs.telling import EACH, telling_images
from jobs.work import Work
from pipeline.decode import BadImage, read_image, thumbnail_jpeg
from pipeline.errors import ImagesUnreachable
from pipeline.image_folder import read_from
from pipeline.records import Change, Cycle
from pipeline.report.changes import most_telling

Picture = tuple[str, bytes]  # content hash and path


def store_thumbnails(work: Work, cycle: Cycle, changes: Iterable[Change]) -> None:
    """Keep pictures of what the report shows: test images, leaks, suspects, novel images, changes."""
    pictures = dict(_pictures(work, cycle, changes))
    made = ((sha256, _thumbnail(work, sha256, path)) for sha256, path in pictures.items())
    thumbnails = {sha256: jpeg for sha256, jpeg in made if jpeg}
    with work.sessions.begin() as session:
        store.save_thumbnails(session, thumbnails)


def _pictures(work: Work, cycle: Cycle, changes: Iterable[Change]) -> Iterator[Picture]:
    yield from ((prediction.sha256, prediction.path) for prediction in telling_images(cycle))
    for leak in work.snapshot.leaks[:EACH]:
        yield from ((image.sha256, image.path) for image in (leak.train, leak.test))
    yield from ((suspect.sha256, suspect.path) for suspect in cycle.suspects[:EACH])
    novelty = cycle.finetune.findings.novelty if cycle.finetune else None
    novel = set(novelty.most_novel[:EACH]) if novelty else set()
    yield from ((image.sha256, image.path) for image in work.snapshot.images if image.sha256 in novel)
    here = (change for change in changes if change.kind != "removed")
    yield from ((change.sha256, change.path) for change in most_telling(here, EACH))


def _thumbnail(work: Work, sha256: str, path: bytes) -> bytes | None:
    """Return a small picture; None if the image cannot be had now: the report then names it without one."""
    try:
        return thumbnail_jpeg(read_image(read_from(work.images_folder, path, sha256)))
    except (BadImage, ImagesUnreachable):
        return None
