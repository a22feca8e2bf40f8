"""Weights that a user has imported: a file in the weights folder, and beside it the record of what it is.

    BACKBONE-imported-DIGITS.params    Gluon's format; the digits are the first of its SHA-256
    BACKBONE.imported.json             the record, which names the file

The record is replaced at once, so at any moment it and the file that it names belong together.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import WeightsError
from pipeline.publish import sha256_of, write_whole
from pipeline.shown import shown


@dataclass(frozen=True)
class ImportRecord:
    """What is known of the imported weights of a backbone."""

    backbone: str
    file: str  # its name in the weights folder
    sha256: str  # of that file
    source: str  # the path that was imported
    source_sha256: str
    kind: str  # of the source, such as safetensors
    imported_at: str  # ISO 8601, UTC

    @property
    def origin(self) -> str:
        """Where the weights come from, in words."""
        day = self.imported_at[:10]
        return f"imported on {day} from {shown(Path(self.source).name)} (SHA-256 {self.source_sha256})"


def record_file(folder: Path, backbone: str) -> Path:
    """Return where the record of a backbone's imported weights lies."""
    return folder / f"{backbone}.imported.json"


def read_record(folder: Path, backbone: str) -> ImportRecord | None:
    """Return the record of a backbone's imported weights; None if none were imported.

    Raises:
        WeightsError: it cannot be read.
    """
    file = record_file(folder, backbone)
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        return ImportRecord(**{name: str(fact) for name, fact in facts.items()})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"the record {file} of imported weights cannot be read ({error}); import them again, or delete it"
        ) from error


def imported_file(folder: Path, record: ImportRecord) -> Path:
    """Return the file of imported weights, which is what was written when they were imported.

    Raises:
        WeightsError: it is missing, or has changed since.
    """
    file = folder / Path(record.file).name
    try:
        is_whole = sha256_of(file) == record.sha256
    except OSError as error:
        raise _damaged(folder, record, f"cannot be read ({error.strerror})") from error
    if not is_whole:
        raise _damaged(folder, record, "is not what was imported (its SHA-256 differs)")
    return file


def _damaged(folder: Path, record: ImportRecord, what: str) -> WeightsError:
    return WeightsError(
        f"the weights file {folder / record.file} {what}: import {record.source} again, or delete "
        f"{record_file(folder, record.backbone)} to do without it"
    )


def write_record(folder: Path, record: ImportRecord) -> None:
    """Make a file the imported weights of its backbone, in place of what was imported before."""
    write_whole(record_file(folder, record.backbone), (json.dumps(asdict(record), indent=1) + "\n").encode())
    _remove_files(folder, record.backbone, but=record.file)


def forget(folder: Path, backbone: str) -> None:
    """Do without the imported weights of a backbone; nothing happens if there are none."""
    record_file(folder, backbone).unlink(missing_ok=True)
    _remove_files(folder, backbone)


def _remove_files(folder: Path, backbone: str, but: str = "") -> None:
    for file in folder.glob(f"{backbone}-imported-*.params"):
        if file.name != but:
            file.unlink(missing_ok=True)
