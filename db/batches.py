"""Cutting long lists into statements of a size that every database takes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, any_, literal
from sqlalchemy.orm import InstrumentedAttribute, Session

T = TypeVar("T")
BATCH = 5_000  # SQLite takes 32,766 values in one statement


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of at most `BATCH`."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def one_of(
    session: Session, column: InstrumentedAttribute[Any], values: Iterable[Any]
) -> ColumnElement[bool]:
    """Select the rows that have one of many values.

    A PostgreSQL server takes them as one array: a statement with thousands of places costs it more time than
    finding the rows does.
    """
    many = list(values)
    if session.get_bind().dialect.name != "postgresql":
        return column.in_(many)
    return column == any_(literal(many, ARRAY(column.type)))
