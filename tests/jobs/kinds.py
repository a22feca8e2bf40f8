"""A real file of every kind: what must be used, what must be refused, what must not even be looked at."""

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tests.pipeline.pictures import picture

PICTURE = picture(1234, (120, 90))
GREY = PICTURE.convert("L")
FEW_COLOURS = PICTURE.quantize(32)
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def jpeg(image: Image.Image, **options: object) -> bytes:
    return encode(image, "JPEG", quality=95, **options)


def turned(orientation: int) -> bytes:
    """A JPEG that is stored turned, and says so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(PICTURE.transpose(UNDO[orientation]) if orientation in UNDO else PICTURE, exif=exif.tobytes())


def without_adobe_marker() -> bytes:
    """A JPEG of four colours that does not say that they are stored inverted, which they are all the same."""
    data = jpeg(PICTURE.convert("CMYK"))
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)


def see_through() -> Image.Image:
    """The picture, of which the right half is hidden and the left half shines through a little."""
    image = PICTURE.convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat([[220] * 60 + [0] * 60], 90, axis=0).astype(np.uint8)))
    return image


def over_white() -> Image.Image:
    image = see_through()
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def palette_with_a_hidden_colour() -> bytes:
    """The right half has a colour of its own in the palette, which is transparent."""
    image = FEW_COLOURS.copy()
    image.paste(40, (60, 0, 120, 90))
    return encode(image, "PNG", transparency=40)


def half_white() -> Image.Image:
    image = FEW_COLOURS.convert("RGB")
    image.paste("white", (60, 0, 120, 90))
    return image


# What each file must show.
GOOD: dict[str, tuple[Callable[[], bytes], Image.Image]] = {
    **{f"orientation {n}": (lambda n=n: turned(n), PICTURE) for n in range(1, 9)},  # type: ignore[misc]
    "CMYK JPEG, Adobe": (lambda: jpeg(PICTURE.convert("CMYK")), PICTURE),
    "CMYK JPEG without a marker": (without_adobe_marker, PICTURE),
    "progressive JPEG": (lambda: jpeg(PICTURE, progressive=True), PICTURE),
    "grey JPEG": (lambda: jpeg(GREY), PICTURE),
    "grey PNG": (lambda: encode(GREY, "PNG"), PICTURE),
    "palette PNG": (lambda: encode(FEW_COLOURS, "PNG"), FEW_COLOURS.convert("RGB")),
    "palette PNG with transparency": (palette_with_a_hidden_colour, half_white()),
    "16-bit PNG": (lambda: encode(sixteen_bits(), "PNG"), PICTURE),
    "16-bit TIFF": (lambda: encode(sixteen_bits(), "TIFF"), PICTURE),
    "alpha PNG": (lambda: encode(see_through(), "PNG"), over_white()),
    "alpha WebP": (lambda: encode(see_through(), "WEBP", lossless=True, exact=True), over_white()),
    "WebP": (lambda: encode(PICTURE, "WEBP", quality=95), PICTURE),
    "AVIF": (lambda: encode(PICTURE, "AVIF", quality=95), PICTURE),
    "BMP": (lambda: encode(PICTURE, "BMP"), PICTURE),
    "TIFF": (lambda: encode(PICTURE, "TIFF"), PICTURE),
    "GIF": (lambda: encode(FEW_COLOURS, "GIF"), FEW_COLOURS.convert("RGB")),
}


def bomb() -> bytes:
    """A PNG of a hundred bytes that claims 2.5 gigapixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    rest = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


def animated(file_format: str) -> bytes:
    return encode(PICTURE, file_format, save_all=True, append_images=[ImageOps.mirror(PICTURE)], duration=100)


# The reason for the quarantine of each file.
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "text.jpg": (lambda: b"a cat, honestly", "not an image"),
    "page.jpg": (lambda: b"<!DOCTYPE html><h1>404</h1>", "not an image but a web page (HTML)"),
    "film.jpg": (lambda: b"\0\0\0\x18ftypisom\0\0\2\0isommp41", "not an image but a video"),
    "many.zip": (lambda: b"PK\3\4" + bytes(60), "not an image but a ZIP archive"),
    "paper.pdf": (lambda: encode(PICTURE, "PDF"), "not an image but a PDF document"),
    "truncated.jpg": (lambda: jpeg(PICTURE)[:1500], "truncated"),
    "truncated.png": (lambda: encode(PICTURE, "PNG")[:1500], "truncated"),
    "empty.jpg": (lambda: b"", "no bytes"),
    "bomb.png": (bomb, "larger than 64 megapixels"),
    "small.png": (lambda: encode(PICTURE.resize((15, 20)), "PNG"), "too small: 15 x 20 pixels"),
    "phone.heic": (
        lambda: b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(300),
        "HEIC is not supported; convert it to JPEG or PNG, for instance with the Python package pillow-heif",
    ),
    "camera.cr2": (
        lambda: b"II*\0\x10\0\0\0CR\2\0" + encode(PICTURE, "TIFF")[12:],
        "a raw photo of a camera is not supported; convert it to JPEG or PNG, for instance with the Python "
        "package rawpy",
    ),
    "moving.gif": (lambda: animated("GIF"), "animated"),
    "moving.webp": (lambda: animated("WEBP"), "animated"),
    "moving.png": (lambda: animated("PNG"), "animated"),
    "flat.jpg": (lambda: jpeg(Image.new("RGB", (64, 64), "orange")), "one flat colour"),
}

# Good pictures under names that only bytes can say.
ODD_NAMES = {
    "not UTF-8": b"caf\xe9.jpg",
    "a line break": b"two\nlines.jpg",
    "255 bytes": b"n" * 251 + b".jpg",
    "markup": b"<b onmouseover=alert(1)>.jpg",
}

IGNORED = (
    ".hidden.jpg", ".DS_Store", "a.jpg.part", "a.jpg.crdownload", "a.jpg~", "a.jpg.tmp", "Thumbs.db",
    "desktop.ini", "pipe.jpg", "socket.jpg",
)  # fmt: skip


def write_kinds(folder: Path) -> None:
    """Write a file of each kind into a folder, each good one with the name of its kind."""
    for name, (make, _) in (GOOD | BAD).items():
        (folder / name).write_bytes(make())
    for number, raw in enumerate(ODD_NAMES.values()):
        (folder / os.fsdecode(raw)).write_bytes(jpeg(picture(2000 + number)))
    for number, name in enumerate(IGNORED[:-2]):
        (folder / name).write_bytes(jpeg(picture(3000 + number)))
    os.mkfifo(folder / "pipe.jpg")
    _bind_socket(folder, "socket.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "locked.jpg").write_bytes(jpeg(picture(4000)))
    (folder / "locked.jpg").chmod(0)


def _bind_socket(folder: Path, name: str) -> None:
    """Leave a socket; its path, which must be short, goes through a descriptor of the folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
    os.close(descriptor)
