"""Keep rows of numbers by the content of the image they were computed from, in files that may be lost.

    CACHE/KEY/00000001732464000000000000.rows     records, one after the other:
        image     32 bytes   SHA-256 of the image file
        row       n x 4      float32, little endian
        check      4 bytes   CRC-32 of all before

The key says how the rows were computed; it is the caller's. A file is only ever appended to, in whole records
under a lock; what a killed process left of a record is cut off by the next one that appends. A record whose
check is wrong is not there. Nothing is synced: after a power cut the checks tell what is good.

Files are read in one pass and not memory-mapped, since a mapped file that somebody cuts short or a disk that
cannot be read ends the process by SIGBUS, where reading raises an error that can be noted.
"""

import contextlib
import errno
import os
import shutil
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from pipeline.arrays import Array
from pipeline.records import SnapshotImage

SUFFIX = ".rows"
OBJECTS = "objects"  # the folder of a cache that is not ours, see `pipeline.remote.object_cache`
SEGMENT_BYTES = 64 * 1024 * 1024  # what is read, and thrown away, at a time
LOCK_SECONDS = 10.0
FREE_SHARE, FREE_BYTES = 0.05, 1024**3  # the smaller of both is left on the disk for models and reports
CLOCK_SECONDS = 1.0  # the times of files may lag behind the clock


class FeatureTable:
    """The rows of one key. Whatever goes wrong with its files is one of `problems`, never an error."""

    def __init__(self, cache: Path, key: str, row_floats: int, limit_bytes: int) -> None:
        self.problems: list[str] = []
        self._cache = cache
        self._folder = cache / key
        self._record = np.dtype([("image", "S32"), ("row", "<f4", (row_floats,)), ("check", "<u4")])
        self._limit = limit_bytes
        self._opened = time.time() - CLOCK_SECONDS
        self._accepts = True
        self._room = 0  # bytes that may be written before the files of the cache are looked at again
        self._last: Path | None = None  # the file that was written last
        self._make_room(0)

    @property
    def accepts(self) -> bool:
        """Whether it keeps rows."""
        return self._accepts

    def read(self, images: Array, rows: Array) -> Array:
        """Fill in the rows that are there and good; return for which images that is so, bool (N,).

        Args:
            images: the SHA-256 of each image, S32 (N,).
            rows: float32 (N, n), C-contiguous.
        """
        found, damaged = np.zeros(len(images), bool), np.zeros(len(images), bool)
        order = np.argsort(images)
        for segment in _segments(self._folder) if len(images) else ():
            try:
                self._read_segment(segment, images, order, rows, found, damaged)
            except FileNotFoundError:
                continue  # the cache may be deleted at any time
            except OSError as error:
                self.problems.append(f"{segment.name} cannot be read ({error.strerror or error})")
        if lost := int((damaged & ~found).sum()):
            self.problems.append(f"{lost:,} damaged records are not used")
        return found

    def _read_segment(
        self, segment: Path, images: Array, order: Array, rows: Array, found: Array, damaged: Array
    ) -> None:
        """Take from one file what is wanted, after its check."""
        records = np.fromfile(segment, self._record)  # whole records only
        place = np.minimum(np.searchsorted(images, records["image"], sorter=order), len(images) - 1)
        position = order[place]
        content = _bytes(records)
        wanted = np.flatnonzero(images[position] == records["image"])
        for i in wanted:
            if zlib.crc32(content[i, :-4].data) == records["check"][i]:
                rows[position[i]] = records["row"][i]
                found[position[i]] = True
            else:
                damaged[position[i]] = True
        if len(wanted):
            os.utime(segment)  # what is used longest ago goes first

    def append(self, images: Array, rows: Array) -> None:
        """Keep some rows, float32 (N, n), unless the cache is full or cannot be written."""
        if not self._accepts:
            return
        records = np.zeros(len(images), self._record)
        records["image"], records["row"] = images, rows
        records["check"] = [zlib.crc32(content[:-4].data) for content in _bytes(records)]
        if records.nbytes > self._room:
            self._make_room(records.nbytes)
        if self._accepts:
            self._room -= records.nbytes
            self._write(records.tobytes())

    def _write(self, data: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / "lock", timeout=LOCK_SECONDS):
                segment = self._segment_for(len(data))
                with segment.open("ab", buffering=0) as file:
                    file.truncate(file.tell() // self._record.itemsize * self._record.itemsize)
                    if file.write(data) != len(data):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
        except OSError as error:
            self._close(error.strerror or str(error))

    def _segment_for(self, size: int) -> Path:
        """Return the file that was written last, or the newest, or a new one if that is full."""
        most = min(SEGMENT_BYTES, max(self._limit // 8, size))
        if self._last is None or not self._last.exists():
            self._last = max(_segments(self._folder), default=None)
        if self._last is not None and self._last.stat().st_size + size <= most:
            return self._last
        self._last = self._folder / f"{time.time_ns():020d}{SUFFIX}"
        return self._last

    def _make_room(self, size: int) -> None:
        """Delete the files used longest ago until `size` bytes fit; accept nothing more where they cannot.

        What this table has read or written since it was opened is needed, and stays. Not done for each batch:
        ten million images have 800 files, and on a file system over a network each takes its time.
        """
        try:
            files = [(file.stat(), file) for file in self._cache.glob(f"*/*{SUFFIX}")]
            total = size + sum(facts.st_size for facts, _ in files)
            for facts, file in sorted(files, key=lambda pair: (pair[0].st_mtime, pair[1])):
                if total > self._limit and facts.st_mtime < self._opened:
                    file.unlink()
                    total -= facts.st_size
            self._room = size + min(SEGMENT_BYTES // 8, self._limit - total)
            if total > self._limit:
                self._close(f"it is full at cache_gb = {self._limit / 1e9:g}")
            elif size and not _leaves_room(self._cache, size):
                self._close("the disk is nearly full")
        except FileNotFoundError:
            pass  # somebody deletes the cache at this moment
        except OSError as error:
            self._close(error.strerror or str(error))

    def _close(self, reason: str) -> None:
        self._accepts = False
        self.problems.append(f"nothing more is kept, since {reason}")


def content_hashes(images: Sequence[SnapshotImage]) -> Array:
    """Return the SHA-256 of each image as S32 (N,); 32 bytes an image, also for millions."""
    return np.frombuffer(bytes.fromhex("".join(image.sha256 for image in images)), "S32")


def delete_cache(cache: Path) -> None:
    """Delete all that was computed, as far as that can be done; copies of images are another matter."""
    for path in cache.glob("*"):
        if path.name != OBJECTS:
            shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        cache.rmdir()


def _segments(folder: Path) -> list[Path]:
    """Return the files of a key, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _bytes(records: Array) -> Array:
    """Return each record as its bytes, uint8 (N, bytes of a record)."""
    return records.view(np.uint8).reshape(len(records), records.dtype.itemsize)


def _leaves_room(folder: Path, size: int) -> bool:
    """Return whether the disk has room for models and reports once so many bytes are written."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(folder)
    return disk.free - size > min(FREE_SHARE * disk.total, FREE_BYTES)
