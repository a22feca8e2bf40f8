"""Scanning a folder in a test, with what an earlier scan has found."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.records import FileState
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, Index, settled_files


def files_of(folder: Path) -> list[FileState]:
    """Return all files of a folder that nobody is writing to."""
    return settled_files((), scan(folder, NOTHING_KNOWN, settle_seconds=0))


def index_of(files: Iterable[FileState], digests: Mapping[bytes, str | None] | None = None) -> Index:
    """Return an index that knows these files; without digests, every folder is compared file by file."""
    folders: dict[bytes, dict[bytes, FileState]] = {}
    for file in files:
        folders.setdefault(os.path.dirname(file.path), {})[file.path] = file
    return Index(dict.fromkeys(folders) | dict(digests or {}), lambda folder: folders.get(folder, {}))
