"""Files of the database that appear whole, under a name that no other file had."""

import errno
import itertools
import os
from pathlib import Path


def new_name(path: Path) -> Path:
    """Return the path if nothing has it yet, else with the next free number: a.db, a-2.db, a-3.db."""
    names = itertools.chain(
        [path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    )
    return next(name for name in names if not os.path.lexists(name))


def publish_new(unfinished: Path, path: Path) -> None:
    """Give a finished file its name, for good; FileExistsError if another file has the name by now."""
    sync(unfinished)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        unfinished.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
