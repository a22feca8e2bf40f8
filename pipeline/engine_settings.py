"""Which engines there are for frozen layers, and what a user may choose; nothing here needs MXNet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Engine = Literal["mxnet", "onnxruntime"]
ENGINE_SETTINGS = ("auto", "mxnet", "onnxruntime")


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


WITHOUT_CACHE = FrozenSettings()
