"""Engines of both kinds of database, by the place of the records."""

from pathlib import Path

from sqlalchemy import URL, Engine

from db import postgres_engine, sqlite_engine
from db.place import Place, place_of
from db.sqlite_engine import BUSY_SECONDS


def create_database_engine(
    where: str | Place, *, busy_seconds: float = BUSY_SECONDS, alone: bool = True
) -> Engine:
    """Return an engine for writers, whose transactions wait for another process's as long as `busy_seconds`.

    Each transaction keeps all other writers out from its beginning on: where two processes read and then
    write, no update is lost. Those that are not `alone` do so on SQLite only: they are for facts that do not
    depend on what was read, such as signs of life. There is no pool, so no connection is open while training
    forks its workers. BadSettings if the place cannot be used.
    """
    place = place_of(where)
    if isinstance(place, Path):
        url = URL.create("sqlite", database=str(place))
        return sqlite_engine.create_writing_engine(url, busy_seconds=busy_seconds)
    return postgres_engine.create_writing_engine(place, busy_seconds, alone=alone)


def create_read_only_engine(place: Place, busy_seconds: float) -> Engine:
    """Return an engine that can neither write to a SQLite file or PostgreSQL database, nor create it."""
    if isinstance(place, Path):
        return sqlite_engine.create_read_only_engine(place, busy_seconds)
    return postgres_engine.create_read_only_engine(place, busy_seconds)
