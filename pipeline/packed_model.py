"""A model's folder as one zip file: the same model gives the same bytes, on any machine and day."""

import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.disk import save_failed
from pipeline.errors import WeightsError
from pipeline.manifest import FILES, MANIFEST, MEND, read_manifest
from pipeline.publish import writing_whole

MOST_BYTES = 2_000_000_000  # of all files together; some times what the largest network on offer has
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first instant that a zip file can name
READABLE = 0o100644 << 16  # a plain file that everybody may read
# What the standard library raises for what is no zip file, is damaged, or needs a password.
_RUBBISH = (OSError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


def pack(folder: Path, target: Path, sha256: str | None = None) -> None:
    """Write the files of a model to one zip file, after checking their hashes.

    They are stored as they are: parameters hardly get smaller, and compressors differ between machines.

    Args:
        folder: of the model.
        target: appears whole or not at all; replaced if it is there.
        sha256: what its `model.json` must have, where that is known.

    Raises:
        WeightsError: a file of the model is missing or is not what was written.
        SaveFailed: the zip file cannot be written.
    """
    manifest = read_manifest(folder, sha256)
    names = [MANIFEST, *sorted(name for name in manifest["sha256"] if (folder / name).exists())]
    with writing_whole(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            member = zipfile.ZipInfo(name, BEGINNING)
            member.create_system, member.external_attr = 3, READABLE
            member.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, archive.open(member, "w") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """Give a temporary folder with the files of a model that was packed; it goes when the block ends.

    Only the names that a model has are unpacked, and no more than they say beforehand: nothing is written
    elsewhere, and no small file fills the disk.

    Raises:
        WeightsError: it is no such zip file. One that the block raises is made to name this file.
    """
    with tempfile.TemporaryDirectory(prefix="whisker-model-") as name:
        folder = Path(name)
        _unpack(file, folder)
        try:
            yield folder
        except WeightsError as error:  # nobody has seen the temporary folder
            raise WeightsError(str(error).replace(name, str(file))) from error


def _unpack(file: Path, folder: Path) -> None:
    try:
        if not file.is_file():
            raise WeightsError(f"there is no model {file}; `cli.py export --format params` writes one")
        with zipfile.ZipFile(file) as archive:
            for member in _checked(archive.infolist()):
                with archive.open(member) as source:
                    _copy(source, folder / member.filename)
    except _RUBBISH as error:
        raise WeightsError(f"{file} cannot be read as the zip file of a model ({error}); {MEND}") from error


def _checked(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Return the members if they can be the files of a model; ValueError if not."""
    names = [member.filename for member in members]
    if MANIFEST not in names or not set(names) <= FILES or len(set(names)) < len(names):
        raise ValueError("its files are not those of a model")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise ValueError("it is compressed in an unusual way")
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise ValueError(f"it would fill more than {MOST_BYTES // 10**9} GB of disk")
    return members


def _copy(source: IO[bytes], target: Path) -> None:
    try:
        with target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    except OSError as error:
        raise save_failed(target, error) from error
