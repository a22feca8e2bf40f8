"""What stands in a chunk, as bytes: files that were seen, what was read of them, images by their content.

Paths are relative to the image folder, which may lie elsewhere on each host.
"""

import base64
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipeline.records import FileState, SnapshotImage


def pack_files(files: Sequence[FileState | None]) -> bytes:
    """Pack what is known of files; None stays None."""
    return _pack([None if file is None else _plain(file) for file in files])


def unpack_files(content: bytes) -> list[FileState | None]:
    """Return what was packed; ValueError or KeyError if it is something else."""
    return [None if plain is None else _file(plain) for plain in _unpack(content)]


def pack_images(images: Sequence[SnapshotImage]) -> bytes:
    """Pack the content hash and the path of images: frozen layers need neither label nor split."""
    return _pack([[image.sha256, os.fsdecode(image.path)] for image in images])


def unpack_images(content: bytes) -> list[SnapshotImage]:
    """Return what was packed, with an empty label; ValueError if it is something else."""
    return [SnapshotImage(sha256, "", "train", os.fsencode(path)) for sha256, path in _unpack(content)]


def _plain(file: FileState) -> dict[str, Any]:
    fingerprint = None if file.fingerprint is None else base64.b64encode(file.fingerprint).decode()
    return asdict(file) | {"path": os.fsdecode(file.path), "fingerprint": fingerprint}


def _file(plain: dict[str, Any]) -> FileState:
    fingerprint = plain["fingerprint"]
    known = None if fingerprint is None else base64.b64decode(fingerprint)
    return FileState(**plain | {"path": os.fsencode(plain["path"]), "fingerprint": known})


def _pack(items: list[Any]) -> bytes:
    return zlib.compress(json.dumps(items, separators=(",", ":")).encode(), 1)


def _unpack(content: bytes) -> list[Any]:
    items: list[Any] = json.loads(zlib.decompress(content))
    return items
