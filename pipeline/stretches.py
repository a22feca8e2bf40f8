"""Going over many rows a stretch at a time, so that nothing as large as all of them is made on the way."""

from collections.abc import Iterator

from pipeline.arrays import Array

ROWS = 8_192  # 40 MiB of the features of EfficientNet-Lite0


def stretches(count: int) -> Iterator[slice]:
    """Yield slices that cover `count` rows in order."""
    for begin in range(0, count, ROWS):
        yield slice(begin, min(begin + ROWS, count))


def keep_only(values: Array, kept: Array) -> Array:
    """Move the rows of `values` whose places are in `kept`, ascending, to its beginning; return these."""
    if len(kept) == len(values):
        return values
    for some in stretches(len(kept)):
        values[some] = values[kept[some]]  # a row only ever moves down, so none is lost
    return values[: len(kept)]
