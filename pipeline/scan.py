"""Look for what is new, changed or gone in an image folder, reading only the files that have changed.

A file is unchanged while its size, modification time, change time and inode are the same. Only the operating
system sets the change time, so a copy with an old modification time (`cp -p`, `rsync -t`) hides nothing.
"""

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from pipeline.image_folder import ImageFolder
from pipeline.layout import Layout, find_layout
from pipeline.read_files import ReadFiles, read_files
from pipeline.records import FileState, Quarantined
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.walk import walk_remote
from pipeline.scan_result import Index, ScanResult
from pipeline.walk import Listing, walk


class _Stopped(Exception):
    """The listing of a server was not waited for."""


@dataclass
class _Findings:
    listed: dict[bytes, str] = field(default_factory=dict)  # the digest of each folder
    known: dict[bytes, FileState] = field(default_factory=dict)  # files of the folders that have changed
    unchanged: set[bytes] = field(default_factory=set)  # of these, the files that have not
    changed: list[FileState] = field(default_factory=list)
    unread: list[FileState] = field(default_factory=list)
    settling: list[bytes] = field(default_factory=list)
    unreadable_folders: list[Quarantined] = field(default_factory=list)


def scan(
    folder: ImageFolder,
    index: Index,
    *,
    settle_seconds: float,
    now: Callable[[], float] = time.time,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    read: ReadFiles = read_files,
) -> ScanResult:
    """Look at each file in the class folders; hash and decode those that are not as the index says.

    Args:
        folder: where the images are; it is only read.
        index: what earlier scans found.
        settle_seconds: younger files are left for a later scan.
        now: tells the time in seconds since 1970.
        progress: called with the number of files read and the number to read.
        should_stop: True ends the scan early; what was read until then is in the result.
        read: reads files; it may end early, too.

    Raises:
        DataError: the folder is missing or its classes are not clear, see `find_layout`; or a server does
            not answer.
    """
    layout = find_layout(folder)
    try:
        findings = _sort_out(_listings(layout, progress, should_stop), index, settle_seconds, now())
    except _Stopped:
        return ScanResult(layout, 0, (), (), (), (), {}, None, complete=False)
    complete = _read_all(folder, findings, read, progress, should_stop)
    return _result(layout, index, findings, complete)


def _listings(
    layout: Layout, progress: Callable[[int, int], None] | None, should_stop: Callable[[], bool]
) -> Iterator[Listing | Quarantined]:
    """Yield the listing of each folder; that of a server may take long, so it is told to whoever waits."""
    if not isinstance(layout.folder, RemoteFolder):
        yield from walk(layout)
        return
    pages = itertools.count(1)

    def each_page() -> None:
        if should_stop():
            raise _Stopped
        if progress:
            progress(next(pages), 0)

    yield from walk_remote(layout.folder, layout, each_page)


def _sort_out(
    listings: Iterable[Listing | Quarantined], index: Index, settle_seconds: float, now: float
) -> _Findings:
    """Tell by their stat which files are known, which have to be read and which must be left alone."""
    findings = _Findings()
    for listing in listings:
        if isinstance(listing, Quarantined):
            findings.unreadable_folders.append(listing)
            continue
        findings.listed[listing.folder] = listing.digest
        if index.digests.get(listing.folder) != listing.digest:
            _compare(listing, index.files_in(listing.folder), findings, settle_seconds, now)
    return findings


def _compare(
    listing: Listing,
    known: Mapping[bytes, FileState],
    findings: _Findings,
    settle_seconds: float,
    now: float,
) -> None:
    """Sort out the files of one folder that has changed."""
    findings.known |= known
    for seen in listing.files():
        earlier = known.get(seen.path)
        if earlier == seen or (earlier and earlier.sha256 and _same_stat(earlier, seen)):
            findings.unchanged.add(seen.path)
        elif seen.problem:
            findings.changed.append(seen)
        elif _is_young(seen, settle_seconds, now):
            findings.settling.append(seen.path)
        else:
            findings.unread.append(seen)


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
    folder: ImageFolder,
    findings: _Findings,
    read: ReadFiles,
    progress: Callable[[int, int], None] | None,
    should_stop: Callable[[], bool],
) -> bool:
    """Read the unread files; return False if stopped before the end."""
    done = 0
    with closing(read(folder, findings.unread)) as readings:
        for seen, state in readings:
            if should_stop():
                return False
            if state is None:
                findings.settling.append(seen.path)
            else:
                findings.changed.append(state)
            done += 1
            if progress:
                progress(done, len(findings.unread))
    return done == len(findings.unread)


def _result(layout: Layout, index: Index, findings: _Findings, complete: bool) -> ScanResult:
    changed = [state for state in findings.changed if findings.known.get(state.path) != state]
    gone = sorted(_gone(index, findings))
    unsure = not complete or findings.settling or findings.unreadable_folders
    return ScanResult(
        layout=layout,
        new=sum(state.path not in findings.known for state in changed),
        changed_files=tuple(sorted(changed, key=lambda state: state.path)),
        gone_paths=tuple(gone),
        settling=tuple(sorted(findings.settling)),
        unreadable_folders=tuple(findings.unreadable_folders),
        digests=_digests(index, findings, gone, complete),
        digest=None if unsure else _digest(findings.listed),
        complete=complete,
    )


def _gone(index: Index, findings: _Findings) -> Iterator[bytes]:
    """Yield the known paths that no longer exist; nothing is said of what lies in an unreadable folder."""
    present = {state.path for state in itertools.chain(findings.changed, findings.unread)}
    present |= findings.unchanged
    present.update(findings.settling)
    yield from (path for path in findings.known if path not in present)
    unreadable = tuple(folder.path + b"/" for folder in findings.unreadable_folders)
    for folder in index.digests:
        if folder not in findings.listed and not (folder + b"/").startswith(unreadable):
            yield from index.files_in(folder)


def _digests(
    index: Index, findings: _Findings, gone: Iterable[bytes], complete: bool
) -> dict[bytes, str | None]:
    """Return the new digest of each folder that has changed; None where not all in it is known now.

    A file that could not be read has no hash, and is tried again by each scan.
    """
    unread = {state.path for state in findings.unread}
    unhashed = (s.path for s in findings.changed if s.sha256 is None and s.path in unread)
    unknown = itertools.chain(gone, findings.settling, unhashed)
    unsure = {os.path.dirname(path) for path in unknown}
    if not complete:
        unsure.update(findings.listed)
    changed = (folder for folder, digest in findings.listed.items() if index.digests.get(folder) != digest)
    return {folder: None if folder in unsure else findings.listed[folder] for folder in changed}


def _digest(listed: Mapping[bytes, str]) -> str:
    lines = (folder + b"\0" + digest.encode() for folder, digest in sorted(listed.items()))
    return hashlib.sha256(b"\0".join(lines)).hexdigest()
