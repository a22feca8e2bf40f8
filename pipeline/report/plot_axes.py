"""Where the axes of a plot begin and end, and which ticks they have."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import floor, log10

# Where the lengths of two curves differ by a greater factor, the shorter is not readable on an even axis.
WIDE_EPOCHS, WIDE_TIMES = 6.0, 12.0
SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0
# Steps that people read without calculating.
STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
    *(n * SECOND for n in (1, 2, 5, 10)), *(n * MINUTE for n in (0.5, 1, 2, 5, 10)),
    *(n * HOUR for n in (0.5, 1, 2, 4, 12)),
)  # fmt: skip
POWERS = (0.001, 0.01, 0.1, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, 4 * DAY)


def share_limits(shares: Sequence[float]) -> tuple[float, float]:
    """Return the lower end of an axis of shares (its upper end is 1) and the step of its ticks.

    The axis covers a tenth at least, so that a difference of one image does not look like a mountain.
    """
    lowest = min(max(0, floor(min(shares) * 20 - 0.2)) / 20, 0.9)
    step = next((step for step in (0.02, 0.05, 0.1) if (1 - lowest) / step < 7), 0.2)
    return floor(lowest / step + 1e-9) * step, step


def time_ticks(longest: float) -> tuple[float, ...]:
    """Return round times from 0 to `longest` (seconds), six at most."""
    step = next((step for step in STEPS if longest / step < 6), max(1, longest // (5 * DAY)) * DAY)
    return tuple(n * step for n in range(int(longest / step) + 1))


def wide_time_ticks(shortest: float, longest: float) -> tuple[float, ...]:
    """Return 0 and times of different magnitude, of which the second is not above `shortest` (seconds)."""
    first = max(0, bisect_left(POWERS, shortest * 1.001) - 1)
    return (0.0, *(tick for tick in POWERS[first:] if tick <= longest * 1.001))


def time_label(seconds: float) -> str:
    """Return a tick's time: 0, 20 s, 5 min, 1 h, 3 d."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit and seconds % (unit / 2) == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s" if seconds else "0"


def epoch_ticks(last: float) -> tuple[float, ...]:
    """Return round numbers of epochs from 1 to `last`, seven at most."""
    step = next(step for step in _round_numbers(last) if last / step < 7)
    return (1.0, *(float(tick) for tick in range(step, int(last) + 1, step) if tick > 1))


def wide_epoch_ticks(last: float) -> tuple[float, ...]:
    """Return numbers of epochs of different magnitude, from 1 to `last`."""
    return tuple(float(tick) for tick in _round_numbers(last) if tick <= last)


def _round_numbers(last: float) -> Iterator[int]:
    return (digit * 10**power for power in range(int(log10(last)) + 2) for digit in (1, 2, 5))
