"""Signs of life, as files in a folder that hosts share.

Each is written in its place again and again, and counts up; who watches takes the time since it changed by
his own clock, so the clocks of the hosts may differ. A new file each time could stay
unseen on NFS for a minute.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OVER = "over"  # what the cycle's beat says at last


def every_seconds(patience_seconds: float) -> float:
    """Return how often a beat is due where one waits so long for it."""
    return min(1.0, patience_seconds / 10)


def write_beat(file: Path, count: int, said: Mapping[str, Any]) -> None:
    """Write a beat; where that fails, the next one comes."""
    data = json.dumps({"beat": count, **said}).encode()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)
    except OSError:
        return


def read_beat(file: Path) -> dict[str, Any] | None:
    """Return what a beat says; None where there is none, or one is being written."""
    try:
        beat = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return beat if isinstance(beat, dict) else None


@dataclass
class Watched:
    """Somebody's beats, as they were seen."""

    since: float  # by a clock that only counts: when something changed last
    last: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> bool:
        """Whether there was a beat at all."""
        return bool(self.last)

    def look(self, file: Path, now: float) -> float:
        """Read the beat; return for how many seconds it is the same."""
        beat = read_beat(file)
        if beat is not None and beat != self.last:
            self.last, self.since = beat, now
        return now - self.since
