"""Look for what is new, changed or gone in an image folder, reading only the files that have changed.

A file is unchanged while its size, modification time, change time and inode are the same. Only the operating
system sets the change time, so a copy with an old modification time (`cp -p`, `rsync -t`) hides nothing.
"""

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pipeline.decode import BadImage, read_file, read_image
from pipeline.layout import Layout, find_layout
from pipeline.perceptual_hash import perceptual_hash
from pipeline.processors import usable_processors
from pipeline.records import FileState, Quarantined
from pipeline.walk import file_state, walk

__all__ = ["Layout", "ScanResult", "find_layout", "scan"]

FILES_AT_ONCE = 256  # waiting for a thread


@dataclass(frozen=True)
class ScanResult:
    """What a look at the image folder found."""

    layout: Layout
    files: tuple[FileState, ...]  # all that are settled, sorted by path
    new: int
    changed: int
    gone: int
    changed_files: tuple[FileState, ...]  # new and changed: what has to be saved
    gone_paths: tuple[bytes, ...]
    settling: tuple[bytes, ...]  # being written, or too young to be sure that they are not
    unreadable_folders: tuple[Quarantined, ...]  # their known files are neither in `files` nor gone
    complete: bool  # False if the scan was stopped: files that were not read yet are in no list


@dataclass
class _Findings:
    settled: list[FileState] = field(default_factory=list)
    unread: list[FileState] = field(default_factory=list)
    settling: list[bytes] = field(default_factory=list)
    unreadable_folders: list[Quarantined] = field(default_factory=list)


def scan(
    folder: Path,
    known: Mapping[bytes, FileState],
    *,
    settle_seconds: float,
    now: Callable[[], float] = time.time,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ScanResult:
    """Look at each file in the class folders; hash and decode those that are not as `known` says.

    Args:
        folder: the image folder; it is only read.
        known: what earlier scans found, by path.
        settle_seconds: younger files are left for a later scan.
        now: tells the time in seconds since 1970.
        progress: called with the number of files read and the number to read.
        should_stop: True ends the scan early; what was read until then is in the result.

    Raises:
        DataError: the folder is missing or its classes are not clear, see `find_layout`.
    """
    layout = find_layout(folder)
    findings = _sort_out(layout, known, settle_seconds, now())
    complete = _read_all(os.fsencode(folder), findings, progress, should_stop)
    return _result(layout, known, findings, complete)


def _sort_out(
    layout: Layout, known: Mapping[bytes, FileState], settle_seconds: float, now: float
) -> _Findings:
    """Tell by their stat which files are known, which have to be read and which must be left alone."""
    findings = _Findings()
    for seen in walk(layout):
        if isinstance(seen, Quarantined):
            findings.unreadable_folders.append(seen)
        elif seen.problem:
            findings.settled.append(seen)
        elif (earlier := known.get(seen.path)) and earlier.sha256 and _same_stat(earlier, seen):
            findings.settled.append(earlier)
        elif _is_young(seen, settle_seconds, now):
            findings.settling.append(seen.path)
        else:
            findings.unread.append(seen)
    return findings


def _same_stat(one: FileState, other: FileState) -> bool:
    return _stat_of(one) == _stat_of(other)


def _stat_of(state: FileState) -> tuple[int, int, int, int]:
    return state.size, state.mtime_ns, state.ctime_ns, state.inode


def _is_young(seen: FileState, settle_seconds: float, now: float) -> bool:
    """Return whether a file was written, moved or copied just now.

    Both times are looked at: a copy with an old modification time has a new change time, and some network
    file systems keep no change time. A time far in the future, set by hand or by a wrong clock, counts as
    old; otherwise it would hide the file until then.
    """
    return any(abs(now - changed / 1e9) < settle_seconds for changed in (seen.mtime_ns, seen.ctime_ns))


def _read_all(
    root: bytes,
    findings: _Findings,
    progress: Callable[[int, int], None] | None,
    should_stop: Callable[[], bool],
) -> bool:
    """Read the unread files in threads, a bounded number at once; return False if stopped before the end."""
    unread = iter(findings.unread)
    done = 0
    with ThreadPoolExecutor(usable_processors()) as pool:
        while some := list(itertools.islice(unread, FILES_AT_ONCE)):
            for seen, state in zip(some, pool.map(partial(_read, root), some), strict=True):
                if should_stop():
                    pool.shutdown(cancel_futures=True)
                    return False
                if state is None:
                    findings.settling.append(seen.path)
                else:
                    findings.settled.append(state)
                done += 1
                if progress:
                    progress(done, len(findings.unread))
    return True


def _read(root: bytes, seen: FileState) -> FileState | None:
    """Hash and decode one file; None if it changed or vanished while it was read."""
    path = root + b"/" + seen.path
    try:
        data = read_file(path)
    except BadImage as error:
        return replace(seen, problem=str(error)) if _is_as_seen(path, seen) else None
    if not _is_as_seen(path, seen):
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        image = read_image(data)
    except BadImage as error:
        return replace(seen, sha256=sha256, problem=str(error))
    return replace(
        seen,
        sha256=sha256,
        width=image.width,
        height=image.height,
        fingerprint=perceptual_hash(image),
    )


def _is_as_seen(path: bytes, seen: FileState) -> bool:
    try:
        return file_state(seen.path, Path(os.fsdecode(path)).stat()) == seen
    except OSError:
        return False


def _result(
    layout: Layout, known: Mapping[bytes, FileState], findings: _Findings, complete: bool
) -> ScanResult:
    files = sorted(findings.settled, key=lambda state: state.path)
    changed_files = tuple(state for state in files if known.get(state.path) != state)
    new = sum(state.path not in known for state in changed_files)
    gone_paths = tuple(sorted(_gone(known, findings)))
    return ScanResult(
        layout=layout,
        files=tuple(files),
        new=new,
        changed=len(changed_files) - new,
        gone=len(gone_paths),
        changed_files=changed_files,
        gone_paths=gone_paths,
        settling=tuple(sorted(findings.settling)),
        unreadable_folders=tuple(findings.unreadable_folders),
        complete=complete,
    )


def _gone(known: Mapping[bytes, FileState], findings: _Findings) -> Iterator[bytes]:
    """Yield the known paths that no longer exist; nothing is said of what lies in an unreadable folder."""
    present = {state.path for state in itertools.chain(findings.settled, findings.unread)}
    present.update(findings.settling)
    unreadable = tuple(folder.path + b"/" for folder in findings.unreadable_folders)
    return (path for path in known if path not in present and not path.startswith(unreadable))
