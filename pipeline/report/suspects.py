"""What the section on suspicious labels shows."""

from dataclasses import dataclass

from pipeline.pictures import thumbnail_uri
from pipeline.records import Cycle, Suspect

MOST_SUSPECTS = 24


@dataclass(frozen=True)
class ShownSuspect:
    """An image with its probably wrong label; `picture` is a data: URI, or None if there is no thumbnail."""

    suspect: Suspect
    picture: str | None


@dataclass(frozen=True)
class Suspects:
    """The most suspicious labels, and how many there are in all."""

    shown: tuple[ShownSuspect, ...]
    in_all: int


def suspects_of(cycle: Cycle) -> Suspects:
    """Work out the section; the records have the most suspicious first."""
    return Suspects(
        shown=tuple(
            ShownSuspect(suspect, thumbnail_uri(cycle.thumbnails, suspect.sha256))
            for suspect in cycle.suspects[:MOST_SUSPECTS]
        ),
        in_all=len(cycle.suspects),
    )
