"""Fit heads that do not need each other at the same time, each on a processor of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

from pipeline.processors import computing_threads

# The products of a fit on some thousand images are so small that the threads of BLAS wait for each other in a
# loop, and several of them take far longer than one. From so many numbers on they share the work of one fit.
LARGE = 50_000_000

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    fit: Callable[[Item], Result],
    items: Sequence[Item],
    numbers: int,
    check_stop: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Return what `fit` makes of each item, in their order; the bits do not depend on how many run at once.

    Each fit is computed by one thread of BLAS, as it would be alone. Large ones run one after the other: BLAS
    has threads for them, and no more is held in memory than for one of them.

    Args:
        fit: is called from several threads.
        items: what it is called with.
        numbers: the most that one fit reads: images x features.
        check_stop: is called before each fit; what it raises ends them all.

    Raises:
        Whatever `fit` and `check_stop` raise.
    """

    def checked(item: Item) -> Result:
        check_stop()
        return fit(item)

    at_once = min(computing_threads(), len(items), LARGE // max(numbers, 1))
    if at_once < 2:
        return [checked(item) for item in items]
    # The limit is the process's, not a thread's: set by each fit alone, one would undo that of another.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(checked, items))
