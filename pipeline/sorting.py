"""Copy images into one folder per class; nothing is ever moved or overwritten."""

import contextlib
import filecmp
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.disk import save_failed


def copy_into(folder: Path, source: bytes) -> Path:
    """Copy a file into a folder under its name; return where it is then.

    If another file has that name, the copy gets the next free number; one with the same content counts as
    the copy. The copy appears whole or not at all.

    Raises:
        SaveFailed: it cannot be written.
    """
    original = Path(os.fsdecode(source))
    unfinished = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(original, unfinished)
        for target in _names(folder, original):
            if _put(unfinished, target) or filecmp.cmp(unfinished, target, shallow=False):
                return target
    except OSError as error:
        raise save_failed(folder / original.name, error) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
    raise AssertionError("there is always a free number")


def _names(folder: Path, original: Path) -> Iterator[Path]:
    yield folder / original.name
    yield from (folder / f"{original.stem}-{number}{original.suffix}" for number in itertools.count(2))


def _put(unfinished: Path, target: Path) -> bool:
    """Give a finished copy its name; False if a file has that name, also one that came just now."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if target.exists():
            return False
        unfinished.rename(target)
    return True
