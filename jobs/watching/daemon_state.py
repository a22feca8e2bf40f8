"""What the daemon knows, in a file of the home: for `status`, and for the daemon that comes after it."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.watching.attempts import Attempt, Trouble
from pipeline.errors import SaveFailed
from pipeline.publish import write_whole


@dataclass(frozen=True)
class DaemonState:
    """The daemon and its plans."""

    pid: int
    process_start: str
    host: str
    started_at: datetime
    schedule: str  # in words
    next_look: datetime | None
    attempt: Attempt  # what the next look will do
    paused: bool  # no training starts by itself, since it has failed too often
    trouble: Trouble | None


class StateFile:
    """The file of a daemon. Its time of change is the daemon's heartbeat."""

    def __init__(self, file: Path) -> None:
        self._file, self._stored = file, b""

    def beat(self, state: DaemonState) -> None:
        """Store what has changed, and in any case that the daemon is alive; a full disk stops neither."""
        content = json.dumps(asdict(state), default=datetime.isoformat, indent=2).encode()
        if content != self._stored:
            with contextlib.suppress(SaveFailed):
                write_whole(self._file, content)
                self._stored = content
        with contextlib.suppress(OSError):
            os.utime(self._file)


def load_state(file: Path) -> tuple[DaemonState, datetime] | None:
    """Return what the last daemon has stored, and when it was last alive; None if that cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        beat_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        for name in ("started_at", "next_look"):
            found[name] = _instant(found[name])
        if found["trouble"]:
            found["trouble"]["tried_at"] = _instant(found["trouble"]["tried_at"])
            found["trouble"] = Trouble(**found["trouble"])
        return DaemonState(**found), beat_at
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _instant(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
