"""Share work of this process with workers: put up chunks, take results, and work on chunks here as well.

Where no worker is alive nothing is put up. Where the database fails, the rest is done here alone.
"""

import contextlib
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic

from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.session import DATABASE_FAILS, open_again, open_read_only
from jobs.home import Home
from jobs.home_lock import Fence
from jobs.sharing.offer import Item, Offer, Outcome, cut
from pipeline.records import Claim
from pipeline.shown import shown

log = logging.getLogger("whisker")

LEASE_SECONDS = 20.0  # a worker that is silent for so long loses its chunk
BEATS = 5  # in a lease
LOOK_SECONDS = 2.0  # between two looks for workers
NAP_SECONDS = 0.1  # between two looks whether others have done the rest
BUSY_SECONDS = 10.0  # how long it waits for others who write
AHEAD = 4  # chunks that are up, for each process


class Owner:
    """A process with work that others may help with; it holds the lock of the home."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        reader: sessionmaker[Session],
        *,
        lease_seconds: float = LEASE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        nap: Callable[[float], None] = time.sleep,
    ) -> None:
        self.sessions, self._reader, self.lease_seconds = sessions, reader, lease_seconds
        self.monotonic, self.nap = monotonic, nap
        self._workers, self._next_look = 0, -float("inf")

    def workers(self) -> int:
        """Return how many workers were alive a moment ago."""
        if self.monotonic() >= self._next_look:
            self._next_look = self.monotonic() + LOOK_SECONDS
            try:
                with self._reader() as session:
                    self._workers = store.count_workers(session)
            except DATABASE_FAILS as error:
                log.debug("workers cannot be counted: %s", error)
                self._workers = 0
        return self._workers

    def share(self, offer: Offer[Item, Outcome]) -> Iterator[tuple[Sequence[Item], Outcome]]:
        """Yield each piece with what came of it, in any order.

        Raises:
            Whatever the offer's `here` and `check_stop` raise. The job is removed in any case.
        """
        sharing = _Sharing(self, offer)
        log.info("%d files (%s) are shared with %d workers", len(offer.items), offer.kind, self.workers())
        try:
            yield from sharing.outcomes()
        except _DatabaseFails as error:
            log.warning("%s; the rest of the work is not shared", error)
            yield from sharing.rest_here()
        finally:
            sharing.end()
        log.info("%d of %d files were done by workers", sharing.by_workers, len(offer.items))


def owner_of(home: Home, fence: Fence) -> Owner:
    """Return the holder of the home's lock as an owner; the database is there, and up to date."""
    return Owner(fence(open_again(home.records, BUSY_SECONDS)), open_read_only(home.records))


class _DatabaseFails(Exception):
    """Sharing is not possible any more."""


@dataclass(frozen=True)
class _Done(Generic[Item, Outcome]):
    claim: Claim
    outcomes: list[tuple[Sequence[Item], Outcome]]


class _Sharing(Generic[Item, Outcome]):
    def __init__(self, owner: Owner, offer: Offer[Item, Outcome]) -> None:
        self.owner, self.offer = owner, offer
        self.pieces = cut(offer.items, offer.least, offer.most, owner.workers() + 1)
        self.up: dict[int, Sequence[Item]] = {}  # by the ids of their chunks
        self.taken: list[Sequence[Item]] = []  # on their way up
        self.job_id: int | None = None
        self.done, self.by_workers = 0, 0  # items
        self.next_beat = -float("inf")

    def outcomes(self) -> Iterator[tuple[Sequence[Item], Outcome]]:
        with self._transaction() as session:
            self.job_id = store.add_job(
                session,
                self.offer.kind,
                self.offer.parameters,
                len(self.offer.items),
                self.owner.lease_seconds,
            )
        mine: _Done[Item, Outcome] | None = None  # a chunk that was done here just now
        while True:
            room = AHEAD * (self.owner.workers() + 1) - len(self.up)
            with self._transaction() as session:
                is_ours = mine is not None and store.take_chunk(session, mine.claim)
                results = store.take_results(session, self.job_id)
                new_ids = self._put_up(session, room + len(results) + is_ours)
                store.beat_job(session, self.job_id, self.done)
                claim = store.claim_chunk(session, [self.job_id], as_owner=True)
            self.up |= zip(new_ids, self.taken, strict=True)
            self.taken = []
            if mine is not None and is_ours:
                self.done += len(self.up.pop(mine.claim.chunk_id))
                yield from mine.outcomes
            for chunk_id, result in results.items():
                yield self._by_worker(chunk_id, result)
            mine = None if claim is None else self._here(claim)
            if mine is None and not self.up:
                return
            if mine is None and not results:
                self.offer.check_stop()
                self.owner.nap(NAP_SECONDS)

    def rest_here(self) -> Iterator[tuple[Sequence[Item], Outcome]]:
        """Do all that is not done, without the database."""
        for piece in itertools.chain(self.up.values(), self.taken, self.pieces):
            yield piece, self.offer.here(piece, self.offer.check_stop)

    def end(self) -> None:
        """Take the job back: whoever works on a chunk of it finds that it is gone."""
        if self.job_id is not None:
            with contextlib.suppress(_DatabaseFails), self._transaction() as session:
                store.remove_jobs(session, [self.job_id])

    def _put_up(self, session: Session, room: int) -> list[int]:
        """Put up chunks ahead of all who work; return their ids."""
        assert self.job_id is not None
        self.taken = list(itertools.islice(self.pieces, max(room, 0)))
        return store.add_chunks(session, self.job_id, [self.offer.pack(piece) for piece in self.taken])

    def _here(self, claim: Claim) -> "_Done[Item, Outcome]":
        """Do a chunk here; whether it counts is seen later: somebody else may claim it meanwhile."""
        parts, beat = self._parts(self.up[claim.chunk_id], claim), partial(self._beat, claim)
        return _Done(claim, [(part, self.offer.here(part, beat)) for part in parts])

    def _parts(self, piece: Sequence[Item], claim: Claim) -> Iterator[Sequence[Item]]:
        """Yield a piece, or where it has failed too often each item by itself, after its name is logged."""
        if claim.failures < store.MOST_FAILURES:
            yield piece
            return
        log.warning(
            "%d workers have failed on the same %d files (%s), which are done here one by one",
            claim.failures,
            len(piece),
            claim.error,
        )
        for item in piece:
            log.warning("done by itself: %s", shown(os.fsdecode(self.offer.path(item))))
            yield [item]

    def _beat(self, claim: Claim) -> None:
        self.offer.check_stop()
        if (now := self.owner.monotonic()) < self.next_beat:
            return
        self.next_beat = now + self.owner.lease_seconds / BEATS
        with contextlib.suppress(_DatabaseFails), self._transaction() as session:
            store.beat_job(session, claim.job_id, self.done)
            store.prolong(session, claim)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self.owner.sessions.begin() as session:
                yield session
        except DATABASE_FAILS as error:
            raise _DatabaseFails(str(error)) from error

    def _by_worker(self, chunk_id: int, result: bytes) -> tuple[Sequence[Item], Outcome]:
        piece = self.up.pop(chunk_id)
        self.done += len(piece)
        self.by_workers += len(piece)
        return piece, self.offer.unpack(piece, result)
