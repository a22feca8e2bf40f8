"""A worker's part in a job, and the reason why it has none."""

from abc import ABC, abstractmethod
from collections.abc import Callable

Beat = Callable[[], None]  # called as the work passes by; it raises what the work is to end with


class Unfit(Exception):
    """This process can take no part in a job; the message is a sentence that says why."""


class Task(ABC):
    """What a worker does with the chunks of one job."""

    @abstractmethod
    def do(self, content: bytes, beat: Beat) -> bytes:
        """Do a chunk and return its result.

        Raises:
            Unfit: the chunk shows that this process is not fit for the job.
        """
