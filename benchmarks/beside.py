"""What others notice of a process: how long it locks them out of its SQLite database, and its memory."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType

import psutil

EVERY_SECONDS = 0.05


class Beside:
    """Tries to read and to write again and again, and looks at the memory of the child processes.

    Their own memory is that which no file backs: what is mapped from one, the system drops where it has to.
    """

    def __init__(self, database: Path) -> None:
        self.longest = {"read": 0.0, "write": 0.0}  # seconds in which it could not
        self.own_mb = 0.0  # the most that a child held at once
        self._database = database
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> "Beside":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _probe(self) -> None:
        since = dict.fromkeys(self.longest, time.monotonic())
        while not self._over.wait(EVERY_SECONDS):
            for kind, begin in (("read", "BEGIN"), ("write", "BEGIN IMMEDIATE")):
                now = time.monotonic()
                if self._can(begin):
                    since[kind] = now
                self.longest[kind] = max(self.longest[kind], now - since[kind])
            self.own_mb = max([self.own_mb, *map(_own_mb, psutil.Process().children())])

    def _can(self, begin: str) -> bool:
        if not self._database.exists():
            return True
        with closing(sqlite3.connect(self._database, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute(begin)
                connection.execute("SELECT count(*) FROM cycle").fetchall()
            except sqlite3.OperationalError as error:
                return "locked" not in str(error)
            connection.execute("ROLLBACK")
            return True


def _own_mb(process: psutil.Process) -> float:
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0.0  # it has ended
    return float(memory.rss - memory.shared) / 2**20
