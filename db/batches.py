"""Cutting long lists into statements of a size that every database takes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
BATCH = 5_000  # SQLite takes 32,766 values in one statement


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of at most `BATCH`."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
