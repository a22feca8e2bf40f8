"""One check of the verdict box: what was looked at, how it stands, and where the page tells more."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["bad", "look", "good"]
LEVELS: tuple[Level, ...] = ("bad", "look", "good")  # what must be read first comes first


@dataclass(frozen=True)
class Check:
    """A plain sentence with its numbers.

    `bad`: do not trust the number, or do something; `look`: know this; `good`: nothing is wrong here.
    """

    level: Level
    title: str  # what was looked at, in two or three words
    text: str
    section: str = ""  # the id of the section that tells more
