"""How an owner shares work, with workers that are played here."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from db import store
from db.chunk_tables import ChunkRow, SharedJobRow
from jobs.sharing.offer import Offer, cut
from jobs.sharing.owner import AHEAD, Owner
from pipeline.errors import Interrupted
from pipeline.records import Claim
from tests.jobs.sharing.conftest import Place

NAMES = [f"file {number:02}" for number in range(40)]
Outcome = tuple[Sequence[str], str]


def offer(
    here: Callable[[Sequence[str], Callable[[], None]], str] = lambda some, beat: "here",
) -> Offer[str, str]:
    return Offer(
        kind="scan",
        parameters={"program": "1"},
        items=NAMES,
        least=4,
        most=100,
        pack=lambda some: " ".join(some).encode(),
        unpack=lambda some, result: result.decode(),
        here=here,
        path=lambda name: name.encode(),
        check_stop=lambda: None,
    )


@pytest.fixture
def owner(place: Place) -> Owner:
    owner = place.owner()
    owner.lease_seconds = 1000
    with owner.sessions.begin() as session:
        store.add_worker(session, 1, "start", "host")
    return owner


def claimed(owner: Owner) -> Claim:
    """Claim the first chunk of the only job, as a worker does."""
    with owner.sessions.begin() as session:
        (job,) = store.open_jobs(session)
        claim = store.claim_chunk(session, [job.id])
    assert claim is not None
    return claim


def rows(sessions: sessionmaker[Session]) -> list[int]:
    with sessions() as session:
        return [session.query(table).count() for table in (SharedJobRow, ChunkRow)]


def names_of(outcomes: Iterator[Outcome] | list[Outcome]) -> list[str]:
    return sorted(name for some, _ in outcomes for name in some)


def test_where_no_worker_helps_the_owner_does_all_and_leaves_nothing(owner: Owner) -> None:
    outcomes = list(owner.share(offer()))
    assert names_of(outcomes) == NAMES
    assert {result for _, result in outcomes} == {"here"}
    assert rows(owner.sessions) == [0, 0]


def test_few_chunks_are_up_at_a_time(owner: Owner) -> None:
    next(owner.share(offer()))
    assert rows(owner.sessions)[1] <= 2 * AHEAD


def test_what_a_worker_did_is_taken_once(owner: Owner) -> None:
    outcomes = owner.share(offer())
    first = next(outcomes)
    claim = claimed(owner)
    with owner.sessions.begin() as session:
        assert store.store_result(session, claim, b"by a worker")
    found = [first, *outcomes]
    assert names_of(found) == NAMES
    assert [result for _, result in found].count("by a worker") == 1


def test_what_fails_with_all_is_done_item_by_item_and_named_first(
    owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = owner.share(offer())
    first = next(outcomes)
    for _ in range(store.MOST_FAILURES):
        claim = claimed(owner)
        with owner.sessions.begin() as session:
            store.give_back(session, claim, "no memory")
    found = [first, *outcomes]
    assert names_of(found) == NAMES
    assert [some for some, _ in found if len(some) == 1] == [[name] for name in NAMES[8:12]]
    assert "3 workers have failed on the same 4 files (no memory)" in caplog.text
    assert "done by itself: file 08" in caplog.text


def test_what_somebody_else_has_claimed_meanwhile_counts_once(owner: Owner) -> None:
    """The owner was halted for longer than its own lease."""

    def here(some: Sequence[str], beat: Callable[[], None]) -> str:
        if some[0] == NAMES[8]:
            with owner.sessions.begin() as session:
                mine = session.query(ChunkRow).where(ChunkRow.state == "claimed").one()
                assert mine.lease_until is not None
                mine.lease_until = mine.lease_until.replace(year=2000)
            claim = claimed(owner)
            with owner.sessions.begin() as session:
                assert store.store_result(session, claim, b"by a worker")
        return "here"

    found = list(owner.share(offer(here)))
    assert names_of(found) == NAMES
    assert [some[0] for some, result in found if result == "by a worker"] == [NAMES[8]]


def test_where_the_database_fails_the_rest_is_done_here(
    owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = owner.share(offer())
    first = next(outcomes)
    with owner.sessions.begin() as session:
        session.execute(text("DROP TABLE chunk"))
    assert names_of([first, *outcomes]) == NAMES
    assert "the rest of the work is not shared" in caplog.text


def test_a_stop_takes_the_job_back(owner: Owner) -> None:
    def here(some: Sequence[str], beat: Callable[[], None]) -> str:
        raise Interrupted(15)

    with pytest.raises(Interrupted):
        list(owner.share(offer(here)))
    assert rows(owner.sessions) == [0, 0]


@pytest.mark.parametrize(
    ("items", "processes", "sizes"),
    [(0, 2, []), (3, 2, [3]), (40, 1, [5] * 8), (40, 2, [4] * 10), (100, 1, [10] * 10)],
)
def test_work_is_cut_so_that_all_are_busy_to_the_end(items: int, processes: int, sizes: list[int]) -> None:
    pieces = list(cut(range(items), 4, 10, processes))
    assert [len(piece) for piece in pieces] == sizes
    assert [number for piece in pieces for number in piece] == list(range(items))
