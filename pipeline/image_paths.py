"""From what a person names (files, folders, patterns) to the paths of single files, one at a time."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.layout import is_ignored

_PATTERN = frozenset(b"*?[")


def image_paths(words: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the path of each file that is named, lazily: a folder of any size is never listed whole.

    A folder stands for all files below it, folder by folder in sorted order, without hidden and unfinished
    ones; links to folders are not followed, so loops end. A pattern that is no name of a file is expanded
    (`**` crosses folders). What does not exist is yielded as it is: whoever opens it says so.
    """
    for word in words:
        if _is_folder(word):
            yield from _below(word)
        elif _PATTERN.isdisjoint(word) or os.path.lexists(word):
            yield word
        else:
            yield from _matching(word)


def _matching(pattern: bytes) -> Iterator[bytes]:
    nothing = True
    for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - paths are bytes
        nothing = False
        if _is_folder(path):
            if b"**" not in pattern:  # which matches the folder's own files too
                yield from _below(path)
        else:
            yield path
    if nothing:
        yield pattern


def _below(folder: bytes) -> Iterator[bytes]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        yield from (os.path.join(place, name) for name in sorted(files) if not is_ignored(name))


def _is_folder(path: bytes) -> bool:
    return Path(os.fsdecode(path)).is_dir()
