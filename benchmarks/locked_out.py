"""How long others are locked out of a SQLite database while somebody writes."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType

EVERY_SECONDS = 0.05


class Prober:
    """Tries to read and to write again and again; remembers the longest times that it could not."""

    def __init__(self, database: Path) -> None:
        self.longest = {"read": 0.0, "write": 0.0}
        self._database = database
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> "Prober":
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
