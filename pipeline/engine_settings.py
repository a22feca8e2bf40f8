"""Which engines there are for frozen layers, and what a user may choose; nothing here needs MXNet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.records import SnapshotImage

Engine = Literal["mxnet", "onnxruntime"]
ENGINE_SETTINGS = ("auto", "mxnet", "onnxruntime")


@dataclass(frozen=True)
class RowsWanted:
    """Rows that a pass has to compute, for who lets others compute some of them into the same cache."""

    key: str  # of the table; whoever computes with an equal key gets equal bits
    engine: Engine
    images: Sequence[SnapshotImage]  # of the whole pass
    missing: tuple[int, ...]  # positions of those without a row, ascending
    compute: Callable[[Sequence[int], Callable[[], bool]], Sequence[int]]  # see `_FrozenPass.compute_here`
    count: Callable[[int], None]  # to be told how many rows others have computed
    check_stop: Callable[[], None]


# Returns the positions whose rows others should have computed: they are looked for in the cache.
ShareRows = Callable[[RowsWanted], Sequence[int]]


@dataclass(frozen=True)
class FrozenSettings:
    """How frozen layers are run over images."""

    engine: str = "auto"  # one of ENGINE_SETTINGS
    cache: Path | None = None  # the folder that keeps what was computed; None: nothing is kept
    cache_bytes: int = 0  # the most that the folder may hold; 0: it is emptied
    machine: str = ""  # the processor's name: another one may round in another way
    # What came of comparing the engines (`engine.Trial`), by the digest of the layers, so that passes that
    # share these settings compare once; None: each pass compares.
    trials: dict[str, Any] | None = None
    share: ShareRows | None = None  # lets others compute rows, where there is a cache; None: all is done here


WITHOUT_CACHE = FrozenSettings()
