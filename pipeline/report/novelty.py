"""What the section on novelty shows: do the new training images look like the earlier ones?"""

from dataclasses import dataclass

from pipeline.pictures import Thumbnail, thumbnail_of
from pipeline.records import Cycle, Novelty
from pipeline.report.words import NARROW, counted, percent

MOST_NOVEL = 12


@dataclass(frozen=True)
class NovelImage:
    """A new training image that looks like no earlier one; label and path where they are known."""

    sha256: str
    label: str | None
    path: bytes | None
    picture: Thumbnail | None


@dataclass(frozen=True)
class Novelties:
    """How far the new images lie from the earlier ones; `rows` are its numbers."""

    sentence: str
    rows: tuple[tuple[str, str], ...]
    shown: tuple[NovelImage, ...]
    in_all: int


def novelty_of(cycle: Cycle) -> Novelties | None:
    """Work out the section; None if it was not computed, as in a first cycle."""
    novelty = cycle.finetune.findings.novelty if cycle.finetune else None
    if novelty is None:
        return None
    known = {change.sha256: change for change in cycle.changes}
    images = [
        NovelImage(
            sha256,
            known[sha256].label if sha256 in known else None,
            known[sha256].path if sha256 in known else None,
            thumbnail_of(cycle.thumbnails, sha256),
        )
        for sha256 in novelty.most_novel
    ]
    worth_it = tuple(image for image in images if image.path or image.picture)[:MOST_NOVEL]
    return Novelties(_sentence(novelty), _rows(novelty), worth_it, novelty.novel)


def _sentence(novelty: Novelty) -> str:
    share = novelty.novel / novelty.images if novelty.images else 0.0
    verb = "looks" if novelty.novel == 1 else "look"
    of = counted(novelty.images, "new training image")
    return (
        f"{novelty.novel:,d} of {of} ({percent(share)}) {verb} unlike every earlier one; among images like "
        f"the earlier ones it would be about 1{NARROW}%."
    )


def _rows(novelty: Novelty) -> tuple[tuple[str, str], ...]:
    return (
        ("New image to its nearest earlier one, median", f"{novelty.distance:.3f}"),
        ("Earlier image to its nearest other one, median", f"{novelty.usual_distance:.3f}"),
        ("Limit: 99 % of the earlier images are nearer than this to another", f"{novelty.limit:.3f}"),
    )
