"""Copies of objects that were read, so that nothing is sent over a network twice; they may be lost.

    OBJECTS/ab/abcdef...             the content whose SHA-256 is the name
    OBJECTS/versions/12/1234...      a link to it: what one version of one object holds

A content is found by its hash, as training asks for it, or by the version that a listing tells of, as a scan
does. It is compared with its name when it is read, so nothing has to be synced and damage is a miss.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger("whisker")

FREE_SHARE, FREE_BYTES = 0.05, 2**30  # the smaller of both is left on the disk for models and reports
CLOCK_SECONDS = 1.0  # the times of files may lag behind the clock
_VERSIONS = "versions"


class ObjectCache:
    """Copies of objects; whatever goes wrong with their files is a miss, never an error."""

    def __init__(self, folder: Path, limit_bytes: int, within: Path | None = None) -> None:
        self._folder = folder
        self._within = within  # made by somebody else: while it is not there, nothing is kept
        self._limit = limit_bytes
        self._opened = time.time() - CLOCK_SECONDS
        self._lock = threading.Lock()
        self._used: int | None = None  # bytes; counted when the first copy is kept
        self._accepts = limit_bytes > 0

    def content(self, sha256: str) -> bytes | None:
        """Return the content with this hash, None if there is no whole copy."""
        path = self._path(sha256)
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == sha256:
                os.utime(path)  # what is used longest ago goes first
                return data
            path.unlink()
        except OSError:
            pass
        return None

    def version(self, version: str) -> tuple[str, bytes] | None:
        """Return the hash and the content of a version of an object, None if there is no whole copy."""
        try:
            sha256 = self._link(version).readlink().name
        except OSError:
            return None
        data = self.content(sha256)
        return None if data is None else (sha256, data)

    def keep(self, data: bytes, version: str | None) -> None:
        """Keep a content, and of which version it is; nothing where there is no room for it."""
        if not self._accepts or (self._within and not self._within.is_dir()):
            return
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        try:
            if not path.exists():
                with self._lock:
                    self._make_room(len(data))
                if not self._accepts:
                    return
                self._write(path, data)
            if version:
                self._remember(version, path)
        except OSError as error:
            self._close(error.strerror or str(error))

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _link(self, version: str) -> Path:
        name = hashlib.sha256(version.encode(errors="surrogateescape")).hexdigest()
        return self._folder / _VERSIONS / name[:2] / name

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{threading.get_native_id()}.{os.getpid()}.tmp")
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _remember(self, version: str, path: Path) -> None:
        link = self._link(version)
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            link.symlink_to(Path("../..") / path.relative_to(self._folder))

    def _make_room(self, size: int) -> None:
        """Delete the copies used longest ago until `size` bytes fit; accept nothing more where they cannot.

        What was read or written since this was opened is needed, and stays: who reads more than fits, in the
        same order again and again, would else never find anything.
        """
        if self._used is None:
            self._used = sum(status.st_size for _, status in self._copies())
        if self._used + size > self._limit:
            self._used = self._delete_oldest(self._limit - size)
        if self._used + size > self._limit:
            self._close(f"it is full at images_cache_gb = {self._limit / 1e9:g}")
        elif not self._leaves_room(size):
            self._close("the disk is nearly full")
        else:
            self._used += size

    def _delete_oldest(self, most: int) -> int:
        """Delete copies until nine tenths of `most` are used, as far as may be; return what is used."""
        copies = sorted((status.st_mtime, path, status.st_size) for path, status in self._copies())
        used = sum(size for _, _, size in copies)
        for used_at, path, size in copies:
            if used <= 0.9 * most or used_at >= self._opened:
                break
            path.unlink(missing_ok=True)
            used -= size
        for link in (self._folder / _VERSIONS).glob("*/*"):
            if not link.exists():
                link.unlink(missing_ok=True)
        return used

    def _copies(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat()

    def _leaves_room(self, size: int) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        disk = shutil.disk_usage(self._folder)
        return disk.free - size > min(FREE_SHARE * disk.total, FREE_BYTES)

    def _close(self, reason: str) -> None:
        if self._accepts:
            log.warning("no more copies of images are kept in %s, since %s", self._folder, reason)
        self._accepts = False
