"""What the first bytes of an image file say, read before any decoder sees the file.

Pillow's own reader of EXIF and TIFF directories warns about damage, which is common in photos from the web.
Warnings are global to the process, so threads cannot silence them one file at a time; what is needed of a
directory is therefore read here.
"""

import struct
from collections.abc import Iterator

from PIL import TiffTags

from pipeline.errors import BadImage
from pipeline.foreign_formats import RAW, is_avif, not_supported, why_not_decoded

_FIRST_BYTES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_ORIENTATION, _COMPRESSION, _KIND_OF_PICTURE, _DNG_VERSION = 0x0112, 0x0103, 0x00FE, 0xC612
_SHORT = 3
_NUMBERS = (3, 4, 5, 8, 9, 10, 11, 12)  # field types
# TIFF 6.0, section 2: bytes per value of each field type (13 is the IFD type of the supplement).
_BYTES_PER_VALUE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def image_format(data: bytes) -> str:
    """Return the format by content, whatever the file is called: one that `read_image` can decode.

    Raises:
        BadImage: no bytes, not an image, or a format that is known but not supported.
    """
    if not data:
        raise BadImage("no bytes")
    if is_avif(data):
        return "AVIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        if 8 + int.from_bytes(data[4:8], "little") > len(data):
            raise BadImage("truncated")
        return "WEBP"
    # A text may begin with BM too, but the size of a bitmap's second header is below 256.
    if data.startswith(b"BM") and data[15:18] == b"\0\0\0":
        return "BMP"
    for first, name in _FIRST_BYTES.items():
        if data.startswith(first):
            return name
    raise BadImage(why_not_decoded(data))


def is_animated_png(data: bytes) -> bool:
    """Return whether a PNG announces more than one frame (its chunk acTL stands before the pixels)."""
    announced = data.find(b"acTL", 0, data.find(b"IDAT"))
    return announced >= 0 and int.from_bytes(data[announced + 4 : announced + 8], "big") != 1


def exif_orientation(exif: bytes) -> int:
    """Return the orientation 1..8 that an EXIF block states; 1 (upright) if it states none or is damaged."""
    tiff = exif.removeprefix(b"Exif\0\0")
    try:
        for tag, kind, _count, value in _directory(tiff):
            if tag == _ORIENTATION and kind == _SHORT:
                (orientation,) = struct.unpack(_BYTE_ORDERS[tiff[:2]] + "H", value[:2])
                return int(orientation) if 1 <= orientation <= 8 else 1
    except (KeyError, struct.error):
        return 1
    return 1


def check_tiff(data: bytes) -> None:
    """Check that a TIFF has one uncompressed page and that all of its directory lies inside the file.

    Compressed ones are refused: they are decoded by a library that is large, writes to standard error by
    itself, and seldom needed for photos.

    Raises:
        BadImage: it is compressed, a raw photo of a camera, has several pages or is damaged.
    """
    order = _BYTE_ORDERS[data[:2]]
    try:
        _check_not_raw(data, order)
        needed = sum(_check_entry(data, order, *entry) for entry in _directory(data))
        (start,) = struct.unpack_from(order + "L", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, start)
        (next_page,) = struct.unpack_from(order + "L", data, start + 2 + 12 * entries)
    except struct.error:
        raise BadImage("truncated") from None
    if needed > len(data):
        raise BadImage("damaged")
    if next_page:
        raise BadImage("several pages")


def _directory(tiff: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (tag, type, count, value or offset) of the first directory of a TIFF structure."""
    order = _BYTE_ORDERS[tiff[:2]]
    (start,) = struct.unpack_from(order + "L", tiff, 4)
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for index in range(entries):
        yield struct.unpack_from(order + "HHL4s", tiff, start + 2 + 12 * index)


def _check_not_raw(data: bytes, order: str) -> None:
    """Refuse the raw photos that are built like a TIFF: the first picture of most is a small preview."""
    values = {tag: value for tag, _, _, value in _directory(data)}
    # The lowest bit means: a smaller version of another picture in this file (TIFF 6.0, section 8).
    (kind,) = struct.unpack(order + "L", values.get(_KIND_OF_PICTURE, bytes(4)))
    if kind & 1 or _DNG_VERSION in values or data[8:10] == b"CR":
        raise BadImage(not_supported(*RAW))


def _check_entry(data: bytes, order: str, tag: int, kind: int, count: int, value: bytes) -> int:
    """Return how many bytes an entry keeps outside of the directory; BadImage if it cannot be right."""
    if count != 1 and kind in _NUMBERS and TiffTags.lookup(tag).length == 1:
        raise BadImage("damaged")
    if tag == _COMPRESSION and struct.unpack(order + "H", value[:2]) != (1,):
        raise BadImage("compressed TIFF is not supported; convert it to JPEG or PNG")
    size = count * _BYTES_PER_VALUE.get(kind, 0)
    if size <= len(value):
        return 0
    (offset,) = struct.unpack(order + "L", value)
    if offset + size > len(data):
        raise BadImage("truncated")
    return size
