"""How soon a lock on a server has a new holder when its old one is gone; all follows from one number."""

from dataclasses import dataclass

SHORTEST_SECONDS = 3.0  # below, a busy machine would lose its locks


@dataclass(frozen=True)
class Pace:
    """The parts of the time within which somebody else takes a lock over; together they are less than it."""

    take_over_seconds: float = 30.0

    @property
    def silence_seconds(self) -> float:
        """So long a holder may say nothing; then the server frees its lock."""
        return self.take_over_seconds / 2

    @property
    def grace_seconds(self) -> float:
        """So long it may come back then, as after a restart of the server, before somebody else takes it."""
        return self.take_over_seconds / 3

    @property
    def ping_seconds(self) -> float:
        """So often a holder says that it is there, and tries to come back where its connection was cut."""
        return self.take_over_seconds / 10

    @property
    def poll_seconds(self) -> float:
        """So often those who wait look whether the lock is free."""
        return self.take_over_seconds / 20


USUAL_PACE = Pace()
