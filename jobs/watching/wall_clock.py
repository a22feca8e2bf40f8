"""Notice that the clock on the wall was set, by the clock that only counts."""

JUMP_SECONDS = 60.0


class WallClock:
    """Compares the two clocks each time that it is asked."""

    def __init__(self, wall: float, monotonic: float) -> None:
        self._offset = wall - monotonic

    def jump(self, wall: float, monotonic: float) -> float:
        """Return by how many seconds the wall clock has gone ahead since the last question; 0 if by few.

        Where a machine sleeps the monotonic clock stands still, so that looks like a jump too.
        """
        before, self._offset = self._offset, wall - monotonic
        change = self._offset - before
        return change if abs(change) > JUMP_SECONDS else 0.0
