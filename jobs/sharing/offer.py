"""What a cycle offers to other processes: a job, in pieces, and how it does a piece itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pipeline.records import JobKind

Item = TypeVar("Item")  # a file or an image
Outcome = TypeVar("Outcome")  # what comes of a piece


@dataclass(frozen=True)
class Offer(Generic[Item, Outcome]):
    """A job and how its pieces become chunks."""

    kind: JobKind
    parameters: Mapping[str, Any]  # what a process must know, or have in common, to take part
    items: Sequence[Item]
    least: int  # items in a piece
    most: int
    pack: Callable[[Sequence[Item]], bytes]
    unpack: Callable[[Sequence[Item], bytes], Outcome]  # what a worker made of a piece
    here: Callable[[Sequence[Item], Callable[[], None]], Outcome]  # calls the function as it passes by
    path: Callable[[Item], bytes]
    check_stop: Callable[[], None]


def cut(items: Sequence[Item], least: int, most: int, processes: int) -> Iterator[Sequence[Item]]:
    """Cut into pieces, so many that all processes are busy to the end, and of bounded size."""
    size = min(max(-(-len(items) // (8 * processes)), least), most)
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
