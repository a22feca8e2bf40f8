"""Claims of chunks, their leases and results. Leases are over at once or last long: no test waits."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.chunk_tables import ChunkRow, SharedJobRow, WorkerRow
from db.session import open_again
from pipeline.records import Claim
from tests.db.samples import ONLY_POSTGRES

LONG, OVER = 1000.0, -1.0  # seconds


@pytest.fixture
def sharing(sessions: sessionmaker[Session], where: Path | str) -> sessionmaker[Session]:
    """Return sessions whose transactions do not wait for each other on a server, as those who share have."""
    return open_again(where, 30)


def put_up(sessions: sessionmaker[Session], chunks: int, lease_seconds: float = LONG) -> int:
    """Store a job of an owner who is alive for long, and return its id."""
    with sessions.begin() as session:
        job_id = store.add_job(session, "scan", {"program": "1"}, chunks, LONG)
        store.add_chunks(session, job_id, [str(number).encode() for number in range(chunks)])
        session.get_one(SharedJobRow, job_id).lease_seconds = lease_seconds
    return job_id


def claim(sessions: sessionmaker[Session], job_id: int, *, as_owner: bool = False) -> Claim | None:
    with sessions.begin() as session:
        return store.claim_chunk(session, [job_id], as_owner=as_owner)


def claimed(sessions: sessionmaker[Session], job_id: int, *, as_owner: bool = False) -> Claim:
    found = claim(sessions, job_id, as_owner=as_owner)
    assert found is not None
    return found


def finish(sessions: sessionmaker[Session], done: Claim, result: bytes = b"result") -> bool:
    with sessions.begin() as session:
        return store.store_result(session, done, result)


def results(sessions: sessionmaker[Session], job_id: int) -> list[bytes]:
    with sessions.begin() as session:
        return list(store.take_results(session, job_id).values())


def test_chunks_are_claimed_in_order_and_each_once(sharing: sessionmaker[Session]) -> None:
    job_id = put_up(sharing, 2)
    assert [claimed(sharing, job_id).content for _ in range(2)] == [b"0", b"1"]
    assert claim(sharing, job_id) is None


def test_a_result_is_taken_once(sharing: sessionmaker[Session]) -> None:
    job_id = put_up(sharing, 1)
    assert finish(sharing, claimed(sharing, job_id))
    assert results(sharing, job_id) == [b"result"]
    assert results(sharing, job_id) == []
    assert claim(sharing, job_id, as_owner=True) is None


def test_after_its_lease_a_chunk_is_claimed_again_and_the_late_result_refused(
    sharing: sessionmaker[Session],
) -> None:
    job_id = put_up(sharing, 1, OVER)
    late, second = claimed(sharing, job_id), claimed(sharing, job_id)
    assert (second.chunk_id, second.attempt, second.failures) == (late.chunk_id, late.attempt + 1, 1)
    with sharing.begin() as session:
        assert not store.prolong(session, late)
        assert not store.give_back(session, late, "an error")
        assert not store.take_chunk(session, late)
    assert not finish(sharing, late, b"late")
    assert finish(sharing, second, b"second")
    assert not finish(sharing, late, b"late")
    assert results(sharing, job_id) == [b"second"]


def test_a_lease_that_is_over_is_prolonged_as_long_as_nobody_else_has_claimed(
    sharing: sessionmaker[Session],
) -> None:
    job_id = put_up(sharing, 1, OVER)
    slow = claimed(sharing, job_id)
    with sharing.begin() as session:
        session.get_one(SharedJobRow, job_id).lease_seconds = LONG
        assert store.prolong(session, slow)
    assert claim(sharing, job_id) is None
    assert finish(sharing, slow)


def test_a_chunk_that_is_given_back_unharmed_can_be_claimed_at_once(sharing: sessionmaker[Session]) -> None:
    job_id = put_up(sharing, 1)
    for _ in range(store.MOST_FAILURES + 1):
        with sharing.begin() as session:
            given = store.claim_chunk(session, [job_id])
            assert given is not None
            assert given.failures == 0
            assert store.give_back(session, given)


@pytest.mark.parametrize("how", ["its process dies", "it ends in an error"])
def test_a_chunk_that_fails_too_often_is_left_to_the_owner(sharing: sessionmaker[Session], how: str) -> None:
    job_id = put_up(sharing, 1, OVER)
    for _ in range(store.MOST_FAILURES):
        attempt = claimed(sharing, job_id)
        if how == "it ends in an error":
            with sharing.begin() as session:
                store.give_back(session, attempt, "no memory")
    assert claim(sharing, job_id) is None
    last = claimed(sharing, job_id, as_owner=True)
    assert last.failures == store.MOST_FAILURES
    assert last.error == ("no memory" if how == "it ends in an error" else "its process gave no sign of life")


def test_nobody_takes_chunks_of_an_owner_who_is_silent(sharing: sessionmaker[Session]) -> None:
    job_id = put_up(sharing, 1)
    with sharing.begin() as session:
        session.get_one(SharedJobRow, job_id).lease_seconds = OVER
        store.beat_job(session, job_id, 0)
    assert claim(sharing, job_id) is None
    with sharing.begin() as session:
        assert store.open_jobs(session) == []


def test_a_job_that_is_removed_takes_no_result(sharing: sessionmaker[Session]) -> None:
    job_id, other = put_up(sharing, 2), put_up(sharing, 1)
    mine = claimed(sharing, job_id)
    with sharing.begin() as session:
        assert store.remove_jobs(session, [job_id]) == 1
        assert [job.id for job in store.open_jobs(session)] == [other]
        assert not store.prolong(session, mine)
    assert not finish(sharing, mine)
    with sharing.begin() as session:
        assert store.remove_jobs(session) == 1
        assert session.scalars(select(ChunkRow.id)).all() == []


@ONLY_POSTGRES  # on SQLite nobody comes in between
def test_a_claim_that_is_not_committed_yet_is_passed_over(sharing: sessionmaker[Session]) -> None:
    job_id = put_up(sharing, 2)
    with sharing.begin() as first, sharing.begin() as second:
        claims = [store.claim_chunk(session, [job_id]) for session in (first, second)]
        assert [found.content for found in claims if found] == [b"0", b"1"]


@pytest.mark.parametrize("chunks", [24, pytest.param(500, marks=pytest.mark.long)])
def test_of_many_claimants_at_once_each_chunk_is_done_once_in_effect(
    sharing: sessionmaker[Session], chunks: int
) -> None:
    claimants = 8
    job_id = put_up(sharing, chunks)
    done: list[bytes] = []  # by whom the result was accepted
    tried: list[bytes] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn, mine in enumerate(claims_of(sharing, job_id)):
                tried.append(mine.content)
                if (turn + number) % 7 == 0:  # it is halted for longer than its lease, and goes on then
                    end_lease(sharing, mine)
                    other = claim(sharing, job_id)
                    if other is not None:
                        tried.append(other.content)
                        if finish(sharing, other, other.content):
                            done.append(other.content)
                if finish(sharing, mine, mine.content):
                    done.append(mine.content)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(claimants)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert Counter(done) == Counter({str(number).encode(): 1 for number in range(chunks)})
    assert sorted(results(sharing, job_id)) == sorted(done)
    assert len(tried) >= chunks


def claims_of(sessions: sessionmaker[Session], job_id: int) -> Iterator[Claim]:
    while (mine := claim(sessions, job_id)) is not None:
        yield mine


def end_lease(sessions: sessionmaker[Session], mine: Claim) -> None:
    with sessions.begin() as session:
        chunk = session.get_one(ChunkRow, mine.chunk_id)
        assert chunk.lease_until is not None
        chunk.lease_until = chunk.lease_until.replace(year=2000)


def test_workers_are_counted_while_they_beat(sharing: sessionmaker[Session]) -> None:
    with sharing.begin() as session:
        first, second = (store.add_worker(session, pid, "start", "host") for pid in (1, 2))
        store.beat_worker(session, first, 3, "scan", "no photos here")
        silent = session.get_one(WorkerRow, second)
        silent.alive_until = silent.started_at
    with sharing.begin() as session:
        assert store.count_workers(session) == 1
        found = store.list_workers(session)
        assert [(w.pid, w.is_alive, w.chunks_done, w.doing, w.said) for w in found] == [
            (1, True, 3, "scan", "no photos here"),
            (2, False, 0, None, None),
        ]
        store.remove_worker(session, first)
        assert store.count_workers(session) == 0


def test_workers_that_died_long_ago_are_forgotten_when_one_comes(sharing: sessionmaker[Session]) -> None:
    with sharing.begin() as session:
        old = store.add_worker(session, 1, "start", "host")
        row = session.get_one(WorkerRow, old)
        row.alive_until = row.started_at.replace(year=2000)
        store.add_worker(session, 2, "start", "host")
        assert [worker.pid for worker in store.list_workers(session)] == [2]
