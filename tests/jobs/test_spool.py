"""What a training yields is stored in its order, however often the server is away."""

from collections.abc import Callable

import pytest

from jobs.spool import FIRST_SECONDS, LONGEST_SECONDS, Spool
from pipeline.errors import DatabaseUnreachable, Interrupted
from pipeline.records import Note
from pipeline.train import TrainingEvent

AWAY = DatabaseUnreachable("the server is away")


class Server:
    """Stores while it is there; each attempt takes a second of a clock that only counts."""

    def __init__(self) -> None:
        self.is_away = False
        self.stored: list[str] = []
        self.attempts: list[float] = []
        self.moment = 0.0

    def store(self, event: TrainingEvent) -> None:
        self.attempts.append(self.moment)
        if self.is_away:
            raise AWAY
        assert isinstance(event, Note)
        self.stored.append(event.text)

    def sleep(self, seconds: float) -> None:
        self.moment += seconds

    def spool(self, check_stop: Callable[[], None] = lambda: None) -> Spool:
        return Spool(self.store, check_stop, monotonic=lambda: self.moment, sleep=self.sleep)


def test_what_was_yielded_while_it_was_away_is_stored_later_in_its_order() -> None:
    server = Server()
    spool = server.spool()
    for number in range(6):
        server.is_away = 1 <= number <= 3
        server.moment += 100
        spool.add(Note(f"{number}"))
    assert server.stored == ["0", "1", "2", "3", "4", "5"]


def test_a_server_that_stays_away_is_asked_ever_more_rarely() -> None:
    server = Server()
    server.is_away = True
    spool = server.spool()
    for second in range(600):
        server.moment = float(second)
        spool.add(Note("x"))
    gaps = [after - before for before, after in zip(server.attempts, server.attempts[1:], strict=False)]
    assert gaps[0] == FIRST_SECONDS
    assert gaps[-1] == LONGEST_SECONDS
    assert len(gaps) < 20


def test_at_its_end_a_training_waits_for_the_server_but_not_for_ever() -> None:
    server = Server()
    server.is_away = True
    spool = server.spool()
    spool.add(Note("last"))
    with pytest.raises(DatabaseUnreachable):
        spool.finish(30.0)
    assert server.moment == 30.0
    server.is_away = False
    spool.finish(30.0)
    assert server.stored == ["last"]


def test_a_signal_ends_the_wait() -> None:
    server = Server()
    server.is_away = True

    def stop() -> None:
        raise Interrupted(15)

    spool = server.spool(stop)
    spool.add(Note("last"))
    with pytest.raises(Interrupted):
        spool.finish(30.0)
    server.is_away = False
    spool.give_up()
    assert server.stored == ["last"], "what ends early still stores what it can"
