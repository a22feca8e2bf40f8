"""Very many small images, each another picture: written by hand, for a library would take most of the time.

Of each thousand, one shows the picture of another one but for a pixel, and one is no image at all. The same
number always has the same bytes.
"""

import hashlib
import os
import struct
import zlib
from pathlib import Path

PER_FOLDER = 1_000
SIDE = 16  # pixels
TWIN, BROKEN = 7, 11  # of each thousand
CLASSES = ("cat", "dog")
_START = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)  # grey, 8 bits


def path_of(number: int) -> str:
    """Return where an image lies in the image folder; the two classes take turns."""
    return f"{CLASSES[number % 2]}/{number // (2 * PER_FOLDER):05}/{number:08}.png"


def content_of(number: int) -> bytes:
    """Return the bytes of an image, some 350."""
    if number % 1_000 == BROKEN:
        return f"no image: {number}".encode()
    shown = number - 2 if number % 1_000 == TWIN else number
    pixels = bytearray(hashlib.shake_128(str(shown).encode()).digest(SIDE * SIDE))
    pixels[0] ^= shown != number
    lines = b"".join(b"\0" + pixels[begin : begin + SIDE] for begin in range(0, SIDE * SIDE, SIDE))
    return _START + b"".join(
        _chunk(kind, data)
        for kind, data in ((b"IHDR", _HEADER), (b"IDAT", zlib.compress(lines, 0)), (b"IEND", b""))
    )


def write_images(folder: Path, numbers: range) -> None:
    """Write some images; the folders of each are made as it needs them."""
    root, made = os.fspath(folder), set[str]()
    for number in numbers:
        path = f"{root}/{path_of(number)}"
        inside = path.rpartition("/")[0]
        if inside not in made:
            os.makedirs(inside, exist_ok=True)  # noqa: PTH103 - a million paths, and no objects of them
            made.add(inside)
        with open(path, "wb", buffering=0) as file:  # noqa: PTH123
            file.write(content_of(number))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
