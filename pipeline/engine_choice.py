"""Remember which engine was chosen, so that noise in a timing cannot change the next run's numbers."""

import contextlib
import json
from pathlib import Path

from pipeline.engine_settings import Engine
from pipeline.errors import SaveFailed
from pipeline.publish import write_whole

Choice = tuple[Engine, str]  # and the sentence that says why


def read_choice(file: Path | None) -> Choice | None:
    """Return what was chosen; None if nothing was, or the file is damaged: then it is chosen anew."""
    try:
        engine, sentence = json.loads(file.read_text(encoding="utf-8")) if file else (None, None)
    except (OSError, ValueError, TypeError):
        return None
    return (engine, sentence) if engine in ("mxnet", "onnxruntime") and isinstance(sentence, str) else None


def keep_choice(file: Path | None, choice: Choice) -> None:
    """Keep what was chosen, if it can be kept: like all of the cache, it can be found again."""
    if file and read_choice(file) != choice:
        with contextlib.suppress(SaveFailed, OSError):
            write_whole(file, json.dumps(choice).encode())
